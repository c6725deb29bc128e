/**
 * `npm run bench -- alerts`: from an event that crosses a threshold to the webhook's arrival, and ten thousand tenants that
 * cross at once; on the services as processes, with their own schedules.
 */
import { print, printJson } from '@tally/cli/print';
import { Command, InvalidArgumentError } from 'commander';
import { measureCrowd } from './alerts-crowd.ts';
import { measureLatency } from './alerts-latency.ts';
import { crowdText, latencyText } from './alerts-report.ts';
import { withAlertServices } from './alerts-services.ts';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { thisMachine } from './machine.ts';

export interface AlertBenchOptions {
  tries: number;
  windowSeconds: number;
  tenants: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

/** The command `alerts`. */
export function alertsCommand(): Command {
  return new Command('alerts')
    .description('measures from an event to the webhook of its alert, and many tenants that cross a threshold at once')
    .option('--tries <n>', 'events that cross a threshold, each a tenant’s own', whole, 100)
    .option('--window-seconds <n>', 'over which they are sent, at random', whole, 180)
    .option('--tenants <n>', 'tenants that cross at once', whole, 10_000)
    .option('--data <dir>', 'directory for Kafka’s and ClickHouse’s files; default a temporary one')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action((options: AlertBenchOptions) => withBenchStack(options, (bench) => measure(bench, options)));
}

async function measure(bench: BenchStack, options: AlertBenchOptions): Promise<void> {
  const machine = await thisMachine(bench.clickhouse);
  await withAlertServices(bench, async (services) => {
    const latency = await measureLatency(bench, services, options);
    if (!options.json) print(latencyText(latency));
    const crowd = await measureCrowd(bench, services, options);
    if (options.json) printJson({ machine, latency, crowd });
    else print(crowdText(crowd));
  });
}

function whole(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('expected a whole number above 0');
}
