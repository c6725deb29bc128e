/**
 * `npm run bench -- backlog`: a full topic is worked off by the consumer from cold: whether the rate, its memory and the
 * number of parts stay what they are, and whether it ever stops.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { count, print, printJson } from '@tally/cli/print';
import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { withBenchStack } from './bench-stack.ts';
import { checkDisk } from './disk.ts';
import { committedOf, tallyConsumer } from './ingest-contenders.ts';
import { fillIngest } from './ingest-fill.ts';
import { type Arena, type Contestant, withArena } from './ingest-measure.ts';
import { type Machine, thisMachine } from './machine.ts';
import { whole } from './options.ts';
import { countRows, type RowCounts, writtenAgain } from './row-counts.ts';
import { stage } from './stage.ts';
import { type RunSummary, summaryOf, summaryText } from './watch-report.ts';
import { type RunRecord, type Sample, watchRun } from './watch-run.ts';

interface BacklogOptions {
  events: number;
  partitions: number;
  consumers: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

interface BacklogReport {
  machine: Machine;
  loadAverageAtStart: number[];
  events: number;
  /** Different events among them. */
  distinct: number;
  partitions: number;
  consumers: number;
  /** Of one event's key and value, mean. */
  eventBytes: number;
  /** From the start of the consumer's process, cold, until all was committed. */
  seconds: number;
  eventsPerSecond: number;
  rows: RowCounts & { right: boolean };
  run: RunSummary;
  samples: Sample[];
}

const SAMPLE_EVERY_MS = 5_000;
const POLL_MS = 500;
const DAY_MS = 86_400_000;
/** Slower than this and it is not worked off, but stuck. */
const EVENTS_PER_SECOND_MIN = 1_000;
const START_MS_MAX = 120_000;

/** The command `backlog`. */
export function backlogCommand(): Command {
  return new Command('backlog')
    .description('works off a full topic with the consumer: rate, memory and parts by tenth of the run')
    .option('--events <n>', 'on the topic, every fiftieth a repetition', whole, 20_000_000)
    .option('--partitions <n>', 'of the topic', whole, 16)
    .option('--consumers <n>', 'processes of the consumer', whole, 1)
    .option('--data <dir>', 'directory, empty or kept from such a run; default a temporary one')
    .option('--keep', 'leave the files there: the topic need not be filled again', false)
    .option('--json', 'print one JSON document', false)
    .action(runBacklogBench);
}

async function runBacklogBench(options: BacklogOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const { events, partitions, consumers } = options;
    checkDisk(bench.dataDir, events);
    const until = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const filled = await fillIngest(bench, { events, partitions, until, times: 'ordered' }, { twins: false });
    const loadAverageAtStart = loadavg();
    const contender = tallyConsumer({ consumers });
    const { seconds, record, counts } = await withArena(bench, filled, contender, async (arena) => {
      const running = await contender.start(arena);
      try {
        return await workOff(arena, running);
      } finally {
        await running.stop();
      }
    });
    const { distinct } = filled;
    const right = counts.positions === events && counts.distinct === distinct && counts.counted === distinct;
    const report: BacklogReport = {
      machine: await thisMachine(bench.clickhouse),
      loadAverageAtStart,
      ...{ events, distinct, partitions, consumers, seconds },
      eventBytes: filled.bytes.avro,
      eventsPerSecond: Math.round(events / seconds),
      rows: { ...counts, right },
      run: summaryOf(record),
      samples: record.samples,
    };
    if (options.json) printJson(report);
    else print(backlogText(report));
    if (!right) process.exitCode = 1;
  });
}

async function workOff(
  arena: Arena,
  running: Contestant,
): Promise<{ seconds: number; record: RunRecord; counts: RowCounts }> {
  const { bench, filled, clickhouse } = arena;
  const begun = performance.now();
  const stopWatching = watchRun({
    clickhouse,
    processes: {
      consumer: running.pids,
      ClickHouse: () => bench.stack.pids().clickhouse,
      Kafka: () => bench.stack.pids().kafka,
    },
    consumers: () => running.urls?.() ?? [],
    progress: async () => ({ committed: await committedOf(arena, filled.avro), end: filled.events }),
    sampleEveryMs: SAMPLE_EVERY_MS,
  });
  let record: RunRecord | undefined;
  try {
    const msMax = START_MS_MAX + (filled.events / EVENTS_PER_SECOND_MIN) * 1_000;
    for (; !(await running.done()); await sleep(POLL_MS)) {
      if (performance.now() - begun < msMax) continue;
      throw new TallyError('the backlog was not worked off in time', { code: 'BENCH_STALLED', retriable: false });
    }
    const seconds = Math.round((performance.now() - begun) / 10) / 100;
    record = await stopWatching();
    stage('counting rows');
    return { seconds, record, counts: await countRows(clickhouse) };
  } finally {
    if (!record) await stopWatching();
  }
}

function backlogText(report: BacklogReport): string {
  const { machine, rows } = report;
  return `${count(report.events)} events of ${report.eventBytes} bytes, ${count(report.distinct)} of them distinct, ${report.partitions} partitions, consumer processes: ${report.consumers}
${machine.cores} cores (${machine.processor}), Node ${machine.node}, ClickHouse ${machine.clickhouse}
load average at start: ${report.loadAverageAtStart.map((one) => one.toFixed(1)).join(', ')}

worked off in ${count(report.seconds)} s from the start of the process: ${count(report.eventsPerSecond)} events/s

${summaryText(report.run)}
${count(rows.positions)} positions with an outcome, ${count(rows.interactions)} rows of ${count(rows.distinct)} different events: ${rows.right ? 'right' : 'WRONG'}${writtenAgain(rows)}
`;
}
