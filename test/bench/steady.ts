/**
 * `npm run bench -- steady`: a load that keeps to the clock, through the gateway and on every service of `tally up`: how
 * fresh figures are meanwhile, whether memory stays flat and parts bounded, and whether every event is counted once.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { print, printJson } from '@tally/cli/print';
import { TallyError } from '@tally/platform/errors';
import { createKafka, Sender } from '@tally/platform/kafka';
import { Command } from 'commander';
import { type BenchServices, withServices } from './bench-services.ts';
import { type BenchStack, benchLog, withBenchStack } from './bench-stack.ts';
import { checkDisk } from './disk.ts';
import { EventSource } from './ingest-events.ts';
import { thisMachine } from './machine.ts';
import { whole } from './options.ts';
import { countRows } from './row-counts.ts';
import { stage } from './stage.ts';
import { type Deliver, type Delivered, throughGateway, toBroker } from './steady-deliver.ts';
import { type LoadReport, sendSteadily } from './steady-load.ts';
import { Probes } from './steady-probes.ts';
import { type SteadyReport, type SteadyRows, steadyText } from './steady-report.ts';
import { summaryOf } from './watch-report.ts';
import { type Progress, type RunRecord, watchRun } from './watch-run.ts';

interface SteadyOptions {
  rate: number;
  minutes: number;
  direct: boolean;
  data?: string;
  keep: boolean;
  json: boolean;
}

/** As `tally up` has it. */
const AGGREGATE_CRON = '*/15 * * * * *';
const SERVICES = ['gateway', 'consumer', 'aggregator', 'api'] as const;
const SAMPLE_EVERY_MS = 10_000;
/** Of the load, held in memory: as many as there are events of a tenth of it, at most. */
const ENTITIES_MAX = 500_000;
const ENTITIES_MIN = 1_000;
const EVENTS_PER_ENTITY = 10;
/** After the load, until what it sent is committed. */
const DRAIN_MS_MAX = 3_600_000;
const DRAIN_POLL_MS = 250;
/** A broker that is busy is waited for, as the gateway does. */
const DELIVERY_TIMEOUT_MS = 120_000;

/** The command `steady`. */
export function steadyCommand(): Command {
  return new Command('steady')
    .description('a steady load through the gateway: freshness in the api, memory, parts, stalls')
    .option('--rate <n>', 'events a second', whole, 20_000)
    .option('--minutes <n>', 'how long', whole, 5)
    .option(
      '--direct',
      'the load goes to Kafka without the gateway; what freshness is measured by goes through it',
      false,
    )
    .option('--data <dir>', 'empty directory for Kafka’s and ClickHouse’s files; default a temporary one')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action(runSteadyBench);
}

async function runSteadyBench(options: SteadyOptions): Promise<void> {
  const loadAverageAtStart = loadavg();
  await withBenchStack(options, async (bench) => {
    checkDisk(bench.dataDir, options.rate * options.minutes * 60);
    const { end } = await progressOf(bench);
    if (end > 0) {
      throw new TallyError('there are events already: it begins with an empty log', {
        code: 'BENCH_DATA',
        retriable: false,
      });
    }
    const report: SteadyReport = {
      machine: await thisMachine(bench.clickhouse),
      loadAverageAtStart,
      through: options.direct ? 'broker' : 'gateway',
      ...(await withServices(bench, { aggregateCron: AGGREGATE_CRON }, (services) =>
        measure(bench, services, options),
      )),
    };
    if (options.json) printJson(report);
    else print(steadyText(report));
    if (!report.rows.right) process.exitCode = 1;
  });
}

type Measured = Omit<SteadyReport, 'machine' | 'loadAverageAtStart' | 'through'>;

async function measure(
  bench: BenchStack,
  services: BenchServices,
  { rate, minutes, direct }: SteadyOptions,
): Promise<Measured> {
  await services.start(...SERVICES);
  const seconds = minutes * 60;
  const source = sourceOf(bench, { events: rate * seconds, seconds });
  const delivered: Delivered = { accepted: 0, resent: 0, uncertain: 0 };
  const gateway = { url: services.url('gateway'), key: services.adminKey };
  const probes = new Probes({ clickhouse: bench.clickhouse, gateway, apiUrl: services.url('api') });
  const sender = direct ? await connectedSender(bench) : undefined;
  const deliver: Deliver = sender
    ? toBroker(source, { sender, topic: bench.topics.interactions }, delivered)
    : throughGateway(source, gateway, delivered);
  stage(`${rate} events a second for ${minutes} min, through the ${direct ? 'broker' : 'gateway'}`);
  const stopWatching = watch(bench, services);
  let record: RunRecord | undefined;
  try {
    const load = await withProbes(probes, () => sendSteadily({ rate, seconds, deliver }));
    stage(`${load.sent} events sent; waiting until they are committed`);
    const drainSeconds = await drained(bench);
    record = await stopWatching();
    const rows = await checkRows(bench, { source, load, delivered, probes: probes.delivered });
    return {
      load,
      delivered,
      freshness: probes.freshness(),
      drainSeconds,
      rows,
      run: summaryOf(record, seconds + SAMPLE_EVERY_MS / 1_000),
      samples: record.samples,
    };
  } finally {
    if (!record) await stopWatching();
    await sender?.close();
  }
}

/** Events happen when they are sent, but for those that come late. */
function sourceOf({ partitions }: BenchStack, { events, seconds }: { events: number; seconds: number }): EventSource {
  const spanMs = seconds * 1_000;
  const entities = Math.min(ENTITIES_MAX, Math.max(ENTITIES_MIN, Math.floor(events / EVENTS_PER_ENTITY)));
  return new EventSource({ events, partitions, entities, spanMs, until: Date.now() + spanMs, times: 'ordered' });
}

async function connectedSender({ stack }: BenchStack): Promise<Sender> {
  const kafka = createKafka({ brokers: [stack.kafka], clientId: 'tally-bench-load', log: benchLog });
  const sender = new Sender({ kafka, log: benchLog, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  await sender.connect();
  return sender;
}

/** Probes run as long as the work does; a failure of either ends both. */
async function withProbes<Result>(probes: Probes, work: () => Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const probing = probes.until(over.signal);
  const failed = probing.then(() => new Promise<never>(() => undefined));
  try {
    return await Promise.race([work(), failed]);
  } finally {
    over.abort();
    await probing;
  }
}

function watch(bench: BenchStack, services: BenchServices): () => Promise<RunRecord> {
  const pidOf = (name: string) => () => {
    const pid = services.pid(name);
    return pid === undefined ? [] : [pid];
  };
  return watchRun({
    clickhouse: bench.clickhouse,
    processes: {
      ...Object.fromEntries(SERVICES.map((name) => [name, pidOf(name)])),
      ClickHouse: () => bench.stack.pids().clickhouse,
      Kafka: () => bench.stack.pids().kafka,
      sender: () => [process.pid],
    },
    consumers: () => [services.url('consumer')],
    progress: () => progressOf(bench),
    sampleEveryMs: SAMPLE_EVERY_MS,
  });
}

async function progressOf({ admin, topics, groupId }: BenchStack): Promise<Progress> {
  const committed = await admin.committed(groupId, topics.interactions);
  const extents = await admin.extents(topics.interactions);
  return {
    committed: [...committed.values()].reduce((sum, offset) => sum + Number(offset), 0),
    end: extents.reduce((sum, { end }) => sum + Number(end), 0),
  };
}

/** Seconds until everything is committed. */
async function drained(bench: BenchStack): Promise<number> {
  const begun = performance.now();
  for (; ; await sleep(DRAIN_POLL_MS)) {
    const { committed, end } = await progressOf(bench);
    const ms = performance.now() - begun;
    if (committed >= end) return Math.round(ms / 100) / 10;
    if (ms < DRAIN_MS_MAX) continue;
    throw new TallyError(`${end - committed} events were not worked off`, { code: 'BENCH_STALLED', retriable: false });
  }
}

/** What was accepted is in the log once, and each different event is one row. */
async function checkRows(
  bench: BenchStack,
  sent: { source: EventSource; load: LoadReport; delivered: Delivered; probes: Delivered },
): Promise<SteadyRows> {
  stage('counting rows');
  const { end: inLog } = await progressOf(bench);
  const counts = await countRows(bench.clickhouse);
  const accepted = sent.delivered.accepted + sent.probes.accepted;
  // An event that was sent again may be in the log twice, if it could not be known that it was not there.
  const acceptedMax = accepted + sent.delivered.uncertain + sent.probes.uncertain;
  const different = sent.source.distinctBelow(sent.load.sent) + sent.probes.accepted;
  const right =
    inLog >= accepted &&
    inLog <= acceptedMax &&
    counts.positions === inLog &&
    counts.distinct === different &&
    counts.counted === different;
  return { ...counts, accepted, acceptedMax, inLog, different, right };
}
