/**
 * The commands, one a file in `commands/`, as one program; main.ts runs it.
 */
import { Command } from 'commander';
import { alertsCommand } from './commands/alerts.ts';
import { backupCommand } from './commands/backup.ts';
import { conflictsCommand } from './commands/conflicts.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
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
import { restoreCommand } from './commands/restore.ts';
import { runsCommand } from './commands/runs.ts';
import { simulateCommand } from './commands/simulate.ts';
import { statementCommand } from './commands/statement.ts';
import { statusCommand } from './commands/status.ts';
import { trueUpCommand } from './commands/true-up.ts';
import { unifiedCommand } from './commands/unified.ts';
import { upCommand } from './commands/up.ts';
import { usageCommand } from './commands/usage.ts';

/** All of `tally …`, ready to parse. */
export function tallyProgram(): Command {
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
    doctorCommand(),
    migrateCommand(),
    logCommand(),
    ledgerCommand(),
    conflictsCommand(),
    deadLettersCommand(),
    replayCommand(),
    rebuildCommand(),
    reshardCommand(),
    eraseCommand(),
    backupCommand(),
    restoreCommand(),
  ]) {
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
