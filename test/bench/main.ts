/**
 * `npm run bench -- NAME`: measurements of the real thing, as tables or as one JSON document. See docs/benchmarks.md.
 */
import { messageOf } from '@tally/platform/errors';
import { Command } from 'commander';
import { alertsCommand } from './alerts.ts';
import { apiCommand } from './api.ts';
import { backlogCommand } from './backlog.ts';
import { capacityCommand } from './capacity.ts';
import { gatewayCommand } from './gateway.ts';
import { ingestCommand } from './ingest.ts';
import { lookupCommand } from './lookup.ts';
import { queryCommand } from './query.ts';
import { statementsCommand } from './statements.ts';
import { steadyCommand } from './steady.ts';
import { unifiedCommand } from './unified.ts';

const program = new Command('npm run bench --')
  .description('measures Tally on this machine')
  .addCommand(ingestCommand())
  .addCommand(backlogCommand())
  .addCommand(capacityCommand())
  .addCommand(steadyCommand())
  .addCommand(lookupCommand())
  .addCommand(gatewayCommand())
  .addCommand(queryCommand())
  .addCommand(unifiedCommand())
  .addCommand(statementsCommand())
  .addCommand(alertsCommand())
  .addCommand(apiCommand())
  .showHelpAfterError();

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
