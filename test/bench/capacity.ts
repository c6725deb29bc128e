/**
 * `npm run bench -- capacity`: what one event costs from the topic to merged tables, and what so many a month need by that.
 */
import { readdirSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { count, print, printJson, table } from '@tally/cli/print';
import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { withBenchStack } from './bench-stack.ts';
import { ASSUMED, type EventCost, type Projection, projectionOf } from './capacity-projection.ts';
import { checkDisk } from './disk.ts';
import { tallyConsumer } from './ingest-contenders.ts';
import { fillIngest } from './ingest-fill.ts';
import type { FilterState } from './ingest-filters.ts';
import { type Arena, type Contestant, withArena } from './ingest-measure.ts';
import { type Machine, thisMachine } from './machine.ts';
import { residentOf } from './memory.ts';
import { whole } from './options.ts';
import { usageOf } from './process-meter.ts';
import { stage } from './stage.ts';
import { type TableSize, tableSizes, untilMerged } from './storage.ts';

interface CapacityOptions {
  events: number;
  partitions: number;
  month: number[];
  data?: string;
  keep: boolean;
  json: boolean;
}

interface Measured extends EventCost {
  /** Of different events, a second, from the start of the consumer's process. */
  eventsPerSecond: number;
  /** Each table, merged. */
  tables: (TableSize & { bytesPerEvent: number })[];
  /** Resident memory of the consumer's process when all was committed, and what its filters are of that, bytes. */
  consumerBytes: { resident: number; filters: number };
}

interface CapacityReport extends Measured {
  machine: Machine;
  loadAverageAtStart: number[];
  events: number;
  distinct: number;
  assumed: typeof ASSUMED;
  projections: Projection[];
}

const MONTHS = [1_000_000_000, 100_000_000_000];
const POLL_MS = 500;
const FILTERS_MS_MAX = 60_000;
const WORK_OFF_MS_MAX = 1_800_000;
const DAY_MS = 86_400_000;

/** The command `capacity`. */
export function capacityCommand(): Command {
  return new Command('capacity')
    .description('CPU, disk and memory of one event, measured, and of so many a month, worked out')
    .option('--events <n>', 'on the topic, every fiftieth a repetition', whole, 5_000_000)
    .option('--partitions <n>', 'of the topic', whole, 16)
    .option('--month <n...>', 'events a month to work out', (text, all: number[] = []) => [...all, whole(text)])
    .option('--data <dir>', 'directory, empty or kept from such a run; default a temporary one')
    .option('--keep', 'leave the files there: the topic need not be filled again', false)
    .option('--json', 'print one JSON document', false)
    .action(runCapacityBench);
}

async function runCapacityBench({ month = MONTHS, ...options }: CapacityOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const { events, partitions } = options;
    checkDisk(bench.dataDir, events);
    const until = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const filled = await fillIngest(bench, { events, partitions, until, times: 'ordered' }, { twins: false });
    const loadAverageAtStart = loadavg();
    const measured = await withArena(bench, filled, tallyConsumer({ consumers: 1 }), measure);
    const report: CapacityReport = {
      machine: await thisMachine(bench.clickhouse),
      loadAverageAtStart,
      events,
      distinct: filled.distinct,
      ...measured,
      assumed: ASSUMED,
      projections: month.map((one) => projectionOf(measured, one)),
    };
    if (options.json) printJson(report);
    else print(capacityText(report));
  });
}

async function measure(arena: Arena): Promise<Measured> {
  const { bench, clickhouse, filled } = arena;
  const servers = bench.stack.pids();
  const before = { clickhouse: usageOf(servers.clickhouse).cpuMicros, broker: usageOf(servers.kafka).cpuMicros };
  const begun = performance.now();
  const running = await tallyConsumer({ consumers: 1 }).start(arena);
  try {
    for (const deadline = begun + WORK_OFF_MS_MAX; !(await running.done()); await sleep(POLL_MS)) {
      if (performance.now() < deadline) continue;
      throw new TallyError('the events were not consumed in time', { code: 'BENCH_STALLED', retriable: false });
    }
    const seconds = (performance.now() - begun) / 1_000;
    const pids = running.pids();
    const consumer = usageOf(pids).cpuMicros;
    const resident = pids.reduce((sum, pid) => sum + (residentOf(pid) ?? 0), 0);
    const filters = await filtersOf(running);
    await running.stop();
    stage('merging');
    await untilMerged(clickhouse);
    await mergeWhole(arena);
    const tables = (await tableSizes(clickhouse)).map((one) => ({
      ...one,
      bytesPerEvent: one.bytes / filled.distinct,
    }));
    const each = (micros: number): number => micros / filled.events;
    return {
      eventsPerSecond: Math.round(filled.events / seconds),
      cpuMicros: {
        consumer: each(consumer),
        // With the merging of all that was written.
        clickhouse: each(usageOf(servers.clickhouse).cpuMicros - before.clickhouse),
        broker: each(usageOf(servers.kafka).cpuMicros - before.broker),
      },
      topicBytes: topicBytes(join(bench.dataDir, 'kafka', 'data'), filled.avro) / filled.events,
      tableBytes: tables.reduce((sum, one) => sum + one.bytesPerEvent, 0),
      filterBytes: filters.bytes / filters.keys,
      tables,
      consumerBytes: { resident, filters: filters.bytes },
    };
  } finally {
    await running.stop();
  }
}

async function filtersOf(running: Contestant): Promise<FilterState> {
  for (const deadline = performance.now() + FILTERS_MS_MAX; performance.now() < deadline; await sleep(POLL_MS)) {
    const filters = await running.filters?.();
    if (filters && filters.keys > 0) return filters;
  }
  throw new TallyError('the consumer says nothing of its filters', { code: 'BENCH_FILTERS', retriable: true });
}

/** As a table is after some months: one part a partition, repetitions gone. */
async function mergeWhole({ clickhouse }: Arena): Promise<void> {
  for (const { table: name } of await tableSizes(clickhouse)) await clickhouse.command(`OPTIMIZE TABLE ${name} FINAL`);
}

/** Of a topic's segments on the broker's disk; its indexes, which are made at their full size beforehand, left out. */
function topicBytes(logDir: string, topic: string): number {
  const partitions = readdirSync(logDir).filter((name) => name.replace(/-\d+$/, '') === topic);
  const segments = partitions.flatMap((name) =>
    readdirSync(join(logDir, name))
      .filter((file) => file.endsWith('.log'))
      .map((file) => join(logDir, name, file)),
  );
  return segments.reduce((sum, file) => sum + statSync(file).size, 0);
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** With three digits. */
function bytes(value: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), UNITS.length - 1);
  return `${Number((value / 1_000 ** power).toPrecision(3))} ${UNITS[power]}`;
}

function capacityText(report: CapacityReport): string {
  const { machine, cpuMicros, consumerBytes, assumed } = report;
  const one = (value: number): string => value.toFixed(1);
  const cost = table(
    [{ title: 'one event' }, { title: '', right: true }],
    [
      ['CPU, consumer', `${one(cpuMicros.consumer)} µs`],
      ['CPU, ClickHouse, merging included', `${one(cpuMicros.clickhouse)} µs`],
      ['CPU, broker', `${one(cpuMicros.broker)} µs`],
      ['in the topic', `${one(report.topicBytes)} bytes`],
      ...report.tables
        .filter(({ bytesPerEvent }) => bytesPerEvent >= 0.05)
        .map((of): [string, string] => [`in ${of.table}`, `${one(of.bytesPerEvent)} bytes`]),
      ['in all tables', `${one(report.tableBytes)} bytes`],
      ['in a filter', `${one(report.filterBytes)} bytes`],
    ],
  );
  const projections = table(
    [
      { title: 'events a month', right: true },
      { title: 'a second, mean / peak', right: true },
      { title: 'cores: consumers / ClickHouse / brokers', right: true },
      { title: 'disk: Kafka / ClickHouse', right: true },
      { title: 'filters', right: true },
    ],
    report.projections.map(({ eventsPerMonth, eventsPerSecond, cores, disk, filterBytes }) => [
      count(eventsPerMonth),
      `${count(eventsPerSecond.mean)} / ${count(eventsPerSecond.peak)}`,
      `${count(cores.consumers)} / ${count(cores.clickhouse)} / ${count(cores.brokers)}`,
      `${bytes(disk.kafka)} / ${bytes(disk.clickhouse)}`,
      bytes(filterBytes),
    ]),
  );
  return `${count(report.events)} events, ${count(report.distinct)} of them distinct, ${count(report.eventsPerSecond)} a second from the start of the process
${machine.cores} cores (${machine.processor}), Node ${machine.node}, ClickHouse ${machine.clickhouse}, load average at start: ${report.loadAverageAtStart.map(one).join(', ')}
the consumer's process: ${bytes(consumerBytes.resident)} resident, ${bytes(consumerBytes.filters)} of it filters

${cost}
by that, with the busiest second ${assumed.peakToMean} times the mean, cores used to ${assumed.cpuShareMax * 100} % at it, Kafka ${assumed.kafkaReplicas} copies of ${assumed.kafkaRetentionDays} days, ClickHouse ${assumed.clickhouseReplicas} copies of ${assumed.months} months:

${projections}`;
}
