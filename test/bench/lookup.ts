/**
 * `npm run bench -- lookup`: how long the consumer's question to the index takes, by how many keys it asks for and how many
 * of them are known.
 */
import { randomBytes } from 'node:crypto';
import { count, print, printJson, table } from '@tally/cli/print';
import { lookUp } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { Generator } from '../scale/fill.ts';
import { fourteenMonthsTo } from '../scale/history.ts';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { type Machine, thisMachine } from './machine.ts';
import { whole } from './options.ts';
import { usageOf } from './process-meter.ts';
import { stage } from './stage.ts';
import { tableSizes, untilMerged } from './storage.ts';
import { percentile, timeMs } from './timing.ts';

interface LookupOptions {
  events: number;
  calls: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

interface Shape {
  keys: number;
  present: number;
}

interface LookupTiming extends Shape {
  calls: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /** ClickHouse's, of all cores together. */
  cpuMicrosPerKey: number;
}

interface LookupReport {
  /** Rows of the index: one an event or void first seen. */
  indexRows: number;
  indexBytes: number;
  indexParts: number;
  machine: Machine;
  timings: LookupTiming[];
}

const KEY_BYTES = 16;
const DAY_MS = 86_400_000;
const POPULATION = { tenants: 100, entities: 100_000, seed: 1 };
/** Keys of one question; the consumer asks for a group's at a time. */
const SHAPES: readonly Shape[] = [
  { keys: 1, present: 0 },
  { keys: 1_000, present: 0 },
  { keys: 10_000, present: 0 },
  { keys: 50_000, present: 0 },
  { keys: 50_000, present: 1_000 },
  { keys: 50_000, present: 50_000 },
];

/** The command `lookup`. */
export function lookupCommand(): Command {
  return new Command('lookup')
    .description('asks the index for keys, as the consumer does for each group of batches')
    .option('--events <n>', 'fill the index with so many, unless the directory holds some', whole, 1_000_000)
    .option('--calls <n>', 'of each kind', whole, 20)
    .option('--data <dir>', 'directory, empty or kept from `query --only-fill`; default a temporary one')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action(runLookupBench);
}

async function runLookupBench(options: LookupOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const { clickhouse } = bench;
    await fillIfEmpty(bench, options.events);
    const index = (await tableSizes(clickhouse)).find((one) => one.table === 'event_index');
    const report: LookupReport = {
      indexRows: index?.rows ?? 0,
      indexBytes: index?.bytes ?? 0,
      indexParts: index?.parts ?? 0,
      machine: await thisMachine(clickhouse),
      timings: [],
    };
    for (const shape of SHAPES) {
      stage(`${shape.keys} keys, ${shape.present} of them known`);
      report.timings.push(await timeShape(bench, shape, options.calls));
    }
    if (options.json) printJson(report);
    else print(textOf(report));
  });
}

async function fillIfEmpty({ clickhouse, stack, topics }: BenchStack, events: number): Promise<void> {
  const { rows } = await clickhouse.queryOne<{ rows: string }>('SELECT count() AS rows FROM event_index');
  if (rows !== '0') return;
  stage(`filling the index with ${events} events`);
  const source = { clickhouse, url: stack.clickhouseUrl, topic: topics.interactions };
  const generator = await Generator.create({ ...source, population: POPULATION });
  await generator.append({ records: events, ...fourteenMonthsTo(Math.floor(Date.now() / DAY_MS) * DAY_MS) });
  await generator.close();
  await untilMerged(clickhouse);
}

/** Other keys at each call, so that no call finds what the one before has brought into a cache. */
async function timeShape(bench: BenchStack, shape: Shape, calls: number): Promise<LookupTiming> {
  const { clickhouse } = bench;
  const pids = bench.stack.pids().clickhouse;
  const times: number[] = [];
  let cpuMicros = 0;
  for (let call = 0; call < calls; call++) {
    const known = await knownKeys(clickhouse, shape.present);
    const keys = Buffer.concat([...known, randomBytes((shape.keys - known.length) * KEY_BYTES)]);
    const before = usageOf(pids).cpuMicros;
    let found = 0;
    times.push(
      await timeMs(async () => {
        found = (await lookUp(clickhouse, keys)).size;
      }),
    );
    cpuMicros += usageOf(pids).cpuMicros - before;
    if (found === new Set(known.map((key) => key.toString('hex'))).size) continue;
    throw new TallyError(`${found} keys found instead of ${known.length}`, { code: 'BENCH_LOOK_UP', retriable: false });
  }
  times.sort((a, b) => a - b);
  return {
    ...shape,
    calls,
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    maxMs: times.at(-1) ?? 0,
    cpuMicrosPerKey: Math.round((cpuMicros / calls / shape.keys) * 100) / 100,
  };
}

/** The keys that follow a random one: hashes are in no order, so they are any events. */
async function knownKeys(clickhouse: ClickHouse, number: number): Promise<Buffer[]> {
  if (number === 0) return [];
  // From the lower half of the keys, so that enough of them follow.
  const from = BigInt(`0x${randomBytes(KEY_BYTES).toString('hex')}`) / 2n;
  const rows = await clickhouse.query<{ key: string }>(
    `SELECT hex(reinterpretAsFixedString(event_key)) AS key FROM event_index
     WHERE event_key >= {from:UInt128} ORDER BY event_key LIMIT {number:UInt32}`,
    { from: from.toString(), number },
  );
  return rows.map(({ key }) => Buffer.from(key, 'hex'));
}

function textOf({ indexRows, indexBytes, indexParts, machine, timings }: LookupReport): string {
  const titles = ['keys', 'known', 'p50 ms', 'p95 ms', 'max ms', 'ClickHouse µs a key'];
  return `${count(indexRows)} keys in the index, ${indexParts} parts, ${count(Math.round(indexBytes / 2 ** 20))} MiB; ${machine.cores} cores, ClickHouse ${machine.clickhouse}

${table(
  titles.map((title) => ({ title, right: true })),
  timings.map(({ keys, present, p50Ms, p95Ms, maxMs, cpuMicrosPerKey }) => [
    count(keys),
    count(present),
    ...[p50Ms, p95Ms, maxMs].map((ms) => ms.toFixed(1)),
    cpuMicrosPerKey.toFixed(2),
  ]),
)}`;
}
