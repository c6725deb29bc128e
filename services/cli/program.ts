/**
 * The commands, one a file in `commands/`, as one program; main.ts runs it.
 */
import { Command } from 'commander';

/** By name, in the order of the help. What only one command needs is loaded with it: all of it takes a second. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map(
  Object.entries({
    up: async () => (await import('./commands/up.ts')).upCommand(),
    demo: async () => (await import('./commands/demo.ts')).demoCommand(),
    simulate: async () => (await import('./commands/simulate.ts')).simulateCommand(),
    usage: async () => (await import('./commands/usage.ts')).usageCommand(),
    status: async () => (await import('./commands/status.ts')).statusCommand(),
    engaged: async () => (await import('./commands/engaged.ts')).engagedCommand(),
    unified: async () => (await import('./commands/unified.ts')).unifiedCommand(),
    policy: async () => (await import('./commands/policy.ts')).policyCommand(),
    licences: async () => (await import('./commands/licences.ts')).licencesCommand(),
    environments: async () => (await import('./commands/environments.ts')).environmentsCommand(),
    quota: async () => (await import('./commands/quota.ts')).quotaCommand(),
    'true-up': async () => (await import('./commands/true-up.ts')).trueUpCommand(),
    statement: async () => (await import('./commands/statement.ts')).statementCommand(),
    alerts: async () => (await import('./commands/alerts.ts')).alertsCommand(),
    published: async () => (await import('./commands/published.ts')).publishedCommand(),
    runs: async () => (await import('./commands/runs.ts')).runsCommand(),
    keys: async () => (await import('./commands/keys.ts')).keysCommand(),
    import: async () => (await import('./commands/import.ts')).importCommand(),
    doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
    migrate: async () => (await import('./commands/migrate.ts')).migrateCommand(),
    log: async () => (await import('./commands/log.ts')).logCommand(),
    ledger: async () => (await import('./commands/ledger.ts')).ledgerCommand(),
    conflicts: async () => (await import('./commands/conflicts.ts')).conflictsCommand(),
    'dead-letters': async () => (await import('./commands/dead-letters.ts')).deadLettersCommand(),
    replay: async () => (await import('./commands/replay.ts')).replayCommand(),
    rebuild: async () => (await import('./commands/replay.ts')).rebuildCommand(),
    reshard: async () => (await import('./commands/reshard.ts')).reshardCommand(),
    erase: async () => (await import('./commands/erase.ts')).eraseCommand(),
    backup: async () => (await import('./commands/backup.ts')).backupCommand(),
    restore: async () => (await import('./commands/restore.ts')).restoreCommand(),
  }),
);

/**
 * `tally …`, ready to parse.
 * @param asked the first word behind it; only that command is made when there is one of this name, else all are
 */
export async function tallyProgram(asked?: string): Promise<Command> {
  const program = new Command('tally')
    .description('Usage metering for customer journeys: exact and provable.')
    .exitOverride()
    .showHelpAfterError('(`tally COMMAND --help` lists the options)');
  const one = COMMANDS.get(asked ?? '');
  const made = one ? [await one()] : await Promise.all([...COMMANDS.values()].map((make) => make()));
  for (const command of made) {
    program.addCommand(command);
    inherit(command, program);
  }
  return program;
}

/** Parts that were put together apart have the program's settings only when they are given to them. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const part of command.commands) inherit(part, command);
}
