import { resolve } from 'node:path';
import { Command } from 'commander';
import { runningInstance } from '../instance.ts';
import { dataOption, dayText, jsonOption, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { simulate } from '../simulation.ts';

const EVENTS_MAX = 100_000_000;
const SEED_MAX = 2 ** 32 - 1;

interface SimulateOptions {
  data: string;
  events: number;
  seed: number;
  tenants?: number;
  until?: string;
  json: boolean;
}

/** `tally simulate`: believable traffic for a running instance. The same seed and last day give the same events. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('send simulated events to a running instance, with duplicates, late, void and malformed ones')
    .addOption(dataOption())
    .option('--events <n>', 'events to send; profile records come on top', whole(1, EVENTS_MAX), 100_000)
    .option('--seed <n>', 'same seed and last day, same events', whole(0, SEED_MAX), 1)
    .option('--tenants <n>', 'number of tenants', whole(1, 10_000))
    .option('--until <day>', 'last day of the 14 months, YYYY-MM-DD; default yesterday (UTC)', dayText)
    .addOption(jsonOption())
    .action(run);
}

async function run({ data, events, seed, tenants, until, json }: SimulateOptions): Promise<void> {
  const instance = runningInstance(resolve(data));
  const { truth, result, durationMs } = await simulate(instance, {
    events,
    seed,
    until: endOf(until ?? yesterday()),
    ...(tenants === undefined ? {} : { tenants }),
  });
  const months = [...truth.interactions()].flatMap(([tenantId, byMonth]) =>
    [...byMonth].map(([month, figures]) => ({ tenantId, month, ...figures })),
  );
  if (json) {
    const unified = Object.fromEntries(truth.unified());
    printJson({ seed, sent: result.sent, durationMs, result, outcomes: truth.outcomes(), months, unified });
  } else {
    const columns = [{ title: 'tenant' }, { title: 'month' }, { title: 'interactions to expect', right: true }];
    print(
      table(
        columns,
        months.map(({ tenantId, month, total }) => [tenantId, month, count(total)]),
      ),
    );
    print(`${count(result.sent)} sends in ${(durationMs / 1000).toFixed(1)} s, seed ${seed}\n`);
  }
  for (const surprise of result.surprises) process.stderr.write(`${surprise}\n`);
  if (result.surpriseCount > 0) process.exitCode = 1;
}

export function yesterday(): string {
  return new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
}

export function endOf(day: string): Date {
  return new Date(`${day}T23:59:59.999Z`);
}
