/**
 * `npm run bench -- gateway`: how many events a second the gateway's process answers with 202, in batches of different
 * sizes over connections that are kept, and whether the log has exactly those.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { count, print, printJson, table } from '@tally/cli/print';
import { type Supervised, supervise } from '@tally/local';
import { TallyError } from '@tally/platform/errors';
import { CHANNELS } from '@tally/schemas';
import autocannon from 'autocannon';
import { Command } from 'commander';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { type Machine, thisMachine } from './machine.ts';
import { resetPeak } from './memory.ts';
import { whole } from './options.ts';
import { usageOf } from './process-meter.ts';
import { stage } from './stage.ts';

interface GatewayOptions {
  events: number;
  profile?: string;
  data?: string;
  keep: boolean;
  json: boolean;
}

interface Load {
  batchEvents: number;
  connections: number;
}

interface GatewayTiming extends Load {
  requests: number;
  /** In answers with 202. */
  accepted: number;
  /** What the topic has more than before: the same number. */
  inLog: number;
  eventsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  cpuMicrosPerEvent: { gateway: number; broker: number; sender: number };
  peakBytes: number;
}

interface GatewayReport {
  machine: Machine;
  timings: GatewayTiming[];
}

const LOADS: readonly Load[] = [
  { batchEvents: 1, connections: 64 },
  { batchEvents: 100, connections: 16 },
  { batchEvents: 1_000, connections: 8 },
];
/** Single events cost the most: so many fewer are sent. */
const SINGLE_SHARE = 0.1;
/** Before what is measured, of each load: code that has not run yet is slow. */
const WARM_UP_SHARE = 0.1;
const GATEWAY = fileURLToPath(new URL('../../services/gateway/main.ts', import.meta.url));
const READY_POLL_MS = 50;
const STOP_TIMEOUT_MS = 20_000;
const TENANTS = 50;
const ENTITIES = 100_000;

/** The command `gateway`. */
export function gatewayCommand(): Command {
  return new Command('gateway')
    .description('events a second that the gateway answers with 202')
    .option('--events <n>', 'of each batch size; a tenth of it one by one', whole, 500_000)
    .option('--profile <dir>', 'start the gateway with --cpu-prof, profiles into the directory')
    .option('--data <dir>', 'directory for Kafka’s and ClickHouse’s files; default a temporary one')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action(runGatewayBench);
}

async function runGatewayBench(options: GatewayOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const report: GatewayReport = { machine: await thisMachine(bench.clickhouse), timings: [] };
    const key = `bench_${randomBytes(16).toString('hex')}`;
    const gateway = await startGateway(bench, key, options.profile);
    try {
      for (const load of LOADS) {
        const events = Math.round(options.events * (load.batchEvents === 1 ? SINGLE_SHARE : 1));
        stage(`batches of ${load.batchEvents}, ${load.connections} connections`);
        const target = { bench, url: gateway.url, pid: gateway.pid, key };
        await sendLoad(target, load, Math.ceil(events * WARM_UP_SHARE));
        const timing = await sendLoad(target, load, events);
        report.timings.push(timing);
        if (timing.accepted !== timing.inLog) {
          throw new TallyError(`${timing.accepted} events accepted, ${timing.inLog} in the log`, {
            code: 'BENCH_GATEWAY',
            retriable: false,
          });
        }
      }
    } finally {
      await gateway.process.stop();
    }
    if (options.json) printJson(report);
    else print(textOf(report));
  });
}

interface Target {
  bench: BenchStack;
  url: string;
  pid: () => number[];
  key: string;
}

async function sendLoad({ bench, url, pid, key }: Target, load: Load, events: number): Promise<GatewayTiming> {
  const requests = Math.max(load.connections, Math.ceil(events / load.batchEvents));
  const before = await recordsInLog(bench);
  const gateway = usageOf(pid());
  const broker = usageOf(bench.stack.pids().kafka);
  const sender = process.cpuUsage();
  for (const one of pid()) resetPeak(one);
  let accepted = 0;
  const batched = load.batchEvents > 1;
  const began = performance.now();
  const result = await autocannon({
    url,
    connections: load.connections,
    amount: requests,
    requests: [
      {
        method: 'POST',
        path: '/v1/events',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': batched ? 'application/cloudevents-batch+json' : 'application/cloudevents+json',
        },
        setupRequest: (request) => ({ ...request, body: bodyOf(load.batchEvents) }),
        onResponse: (status) => {
          if (status === 202) accepted += load.batchEvents;
        },
      },
    ],
  });
  const seconds = (performance.now() - began) / 1_000;
  const cpu = process.cpuUsage(sender);
  const perEvent = (micros: number): number => Math.round((micros / accepted) * 100) / 100;
  const { cpuMicros, peakBytes } = usageOf(pid());
  return {
    ...load,
    requests,
    accepted,
    inLog: (await recordsInLog(bench)) - before,
    eventsPerSecond: Math.round(accepted / seconds),
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    maxMs: result.latency.max,
    cpuMicrosPerEvent: {
      gateway: perEvent(cpuMicros - gateway.cpuMicros),
      broker: perEvent(usageOf(bench.stack.pids().kafka).cpuMicros - broker.cpuMicros),
      sender: perEvent(cpu.user + cpu.system),
    },
    peakBytes,
  };
}

async function recordsInLog({ admin, topics }: BenchStack): Promise<number> {
  const extents = await admin.extents(topics.interactions);
  return extents.reduce((sum, { start, end }) => sum + Number(end - start), 0);
}

/** Every event has an id of its own. */
const run = randomBytes(6).toString('hex');
let events = 0;

function bodyOf(batchEvents: number): string {
  const texts = Array.from({ length: batchEvents }, () => eventText(events++));
  return batchEvents === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`;
}

function eventText(n: number): string {
  const entity = Math.imul(n, 0x9e3779b1) >>> 0;
  const tenant = String((entity % TENANTS) + 1).padStart(4, '0');
  const time = new Date(Date.now() - (entity % 3_600_000)).toISOString();
  return `{"specversion":"1.0","type":"tally.interaction.v1","source":"/journeys/bench","id":"${run}-${n}","time":"${time}","data":{"tenantId":"tenant-${tenant}","environmentId":"production","entityType":"contact","entityId":"contact-${entity % ENTITIES}","channel":"${CHANNELS[entity % CHANNELS.length]}","journeyId":"journey-${entity % 24}","provider":"northwind-mail"}}`;
}

interface Gateway {
  process: Supervised;
  url: string;
  pid: () => number[];
}

async function startGateway(bench: BenchStack, key: string, profile: string | undefined): Promise<Gateway> {
  const readyFile = join(bench.dataDir, 'gateway.json');
  rmSync(readyFile, { force: true });
  const process_ = supervise({
    name: 'gateway',
    command: process.execPath,
    args: [
      '--disable-warning=TimeoutNegativeWarning',
      ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []),
      GATEWAY,
    ],
    env: {
      TALLY_SUPERVISED: '1',
      TALLY_READY_FILE: readyFile,
      TALLY_KAFKA: bench.stack.kafka,
      TALLY_GATEWAY_PORT: '0',
      TALLY_ADMIN_KEY: key,
      TALLY_LOG_LEVEL: 'warn',
    },
    logFile: join(bench.dataDir, 'logs', 'gateway.log'),
    ready: async ({ signal }) => {
      while (!existsSync(readyFile)) await sleep(READY_POLL_MS, undefined, { signal });
    },
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
  await process_.start();
  const { url } = JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string };
  return { process: process_, url, pid: () => [process_.pid() ?? 0] };
}

function textOf({ machine, timings }: GatewayReport): string {
  const titles = [
    'batch',
    'connections',
    'events/s',
    'p50 ms',
    'p99 ms',
    'max ms',
    'gateway µs',
    'broker µs',
    'sender µs',
    'MiB',
  ];
  return `${machine.cores} cores (${machine.processor}), Node ${machine.node}; sender, gateway and broker share them

${table(
  [...titles, '202 = in the log'].map((title) => ({ title, right: true })),
  timings.map((timing) => [
    count(timing.batchEvents),
    count(timing.connections),
    count(timing.eventsPerSecond),
    ...[timing.p50Ms, timing.p99Ms, timing.maxMs].map((ms) => count(Math.round(ms))),
    ...Object.values(timing.cpuMicrosPerEvent).map((micros) => micros.toFixed(1)),
    count(Math.round(timing.peakBytes / 2 ** 20)),
    count(timing.inLog),
  ]),
)}`;
}
