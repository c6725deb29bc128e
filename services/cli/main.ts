/**
 * `tally …`: one command a file in `commands/`. Exit codes: 0 done, 1 a figure differs or the work failed, 2 wrong usage,
 * 10 to 21 the embedded stack cannot start (see infra/local/errors.ts).
 */
import { LocalStackError } from '@tally/local';
import { messageOf, TallyError } from '@tally/platform/errors';
import { Command, CommanderError } from 'commander';
import { alertsCommand } from './commands/alerts.ts';
import { conflictsCommand } from './commands/conflicts.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { engagedCommand } from './commands/engaged.ts';
import { environmentsCommand } from './commands/environments.ts';
import { eraseCommand } from './commands/erase.ts';
import { importCommand } from './commands/import.ts';
import { keysCommand } from './commands/keys.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { licencesCommand } from './commands/licences.ts';
import { logCommand } from './commands/log.ts';
import { migrateCommand } from './commands/migrate.ts';
import { policyCommand } from './commands/policy.ts';
import { publishedCommand } from './commands/published.ts';
import { quotaCommand } from './commands/quota.ts';
import { rebuildCommand, replayCommand } from './commands/replay.ts';
import { reshardCommand } from './commands/reshard.ts';
import { runsCommand } from './commands/runs.ts';
import { simulateCommand } from './commands/simulate.ts';
import { statementCommand } from './commands/statement.ts';
import { statusCommand } from './commands/status.ts';
import { trueUpCommand } from './commands/true-up.ts';
import { unifiedCommand } from './commands/unified.ts';
import { upCommand } from './commands/up.ts';
import { usageCommand } from './commands/usage.ts';

const EXIT = { failed: 1, usage: 2 } as const;

// kafkajs asks for timers in the past; Node corrects them to 1 ms and warns, which helps nobody.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

const program = new Command('tally')
  .description('Usage metering for customer journeys: exact and provable.')
  .exitOverride()
  .showHelpAfterError('(`tally COMMAND --help` lists the options)');
for (const command of [
  upCommand(),
  demoCommand(),
  simulateCommand(),
  usageCommand(),
  statusCommand(),
  engagedCommand(),
  unifiedCommand(),
  policyCommand(),
  licencesCommand(),
  environmentsCommand(),
  quotaCommand(),
  trueUpCommand(),
  statementCommand(),
  alertsCommand(),
  publishedCommand(),
  runsCommand(),
  keysCommand(),
  importCommand(),
  migrateCommand(),
  logCommand(),
  ledgerCommand(),
  conflictsCommand(),
  deadLettersCommand(),
  replayCommand(),
  rebuildCommand(),
  reshardCommand(),
  eraseCommand(),
]) {
  program.addCommand(command);
  inherit(command, program);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Parts that were put together apart have the program's settings only when they are given to them. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const part of command.commands) inherit(part, command);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  const code = error instanceof LocalStackError || error instanceof TallyError ? ` [${error.code}]` : '';
  process.stderr.write(`tally: ${messageOf(error)}${code}\n`);
  return error instanceof LocalStackError ? error.exitCode : EXIT.failed;
}
