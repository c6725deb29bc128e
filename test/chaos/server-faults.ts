/**
 * What is done to the servers and to the group, one fault at a time. Each resolves with what it did, when the server
 * answers again; a fault that did not bite says so.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { supervise } from '@tally/local';
import type { Random } from '@tally/simulator';
import { FailureTail } from './failure-tail.ts';
import type { ChaosForm, ServerFault } from './form.ts';
import { type ChaosSystem, type Server, stalled } from './system.ts';

export interface Injected {
  /** What came of it, in words. */
  detail: string;
  /** It could not be done on this machine. */
  skipped?: true;
  /** It was done, but nothing shows that it hit anything. */
  missed?: true;
}

export interface FaultContext {
  system: ChaosSystem;
  form: ChaosForm;
  random: Random;
}

const UP_MS_MAX = 90_000;
const POLL_MS = 20;
/** How long a server refuses inserts, and how long one is waited for if none came. */
const REFUSE_MS_MIN = 5_000;
const REFUSE_MS_MAX = 120_000;
const VISITOR_JOIN_MS_MAX = 90_000;
const VISIT_MS = 2_000;

const CONSUMER = fileURLToPath(new URL('../../services/consumer/main.ts', import.meta.url));
const DISK_FULL_CODES = [
  'CLICKHOUSE_NOT_ENOUGH_SPACE',
  'CLICKHOUSE_CANNOT_WRITE_TO_FILE_DESCRIPTOR',
  'CLICKHOUSE_ANSWER_CUT',
];
const PARTS_TABLES = ['interactions', 'event_index', 'daily_interactions', 'entity_months', 'log_outcomes'];

export const INJECT: Readonly<Record<ServerFault, (context: FaultContext) => Promise<Injected>>> = {
  'clickhouse-kill': ({ system }) => end(system, 'clickhouse', 'SIGKILL'),
  'broker-kill': ({ system }) => end(system, 'kafka', 'SIGKILL'),
  'broker-restart': ({ system }) => end(system, 'kafka', 'SIGTERM'),
  'clickhouse-outage': ({ system, form }) => outage(system, 'clickhouse', form.clickhouseOutageMs),
  'kafka-outage': ({ system, form }) => outage(system, 'kafka', form.kafkaOutageMs),
  visit,
  'too-many-parts': tooManyParts,
  'full-disk': fullDisk,
};

async function end(system: ChaosSystem, server: Server, signal: 'SIGKILL' | 'SIGTERM'): Promise<Injected> {
  await system.untilUp(server, UP_MS_MAX);
  const pid = system.pid(server);
  if (pid === undefined) throw stalled(`${server} is up and has no process`);
  const from = Date.now();
  process.kill(pid, signal);
  while (system.pid(server) === pid) await sleep(POLL_MS);
  await system.untilUp(server, UP_MS_MAX);
  return { detail: `process ${pid}, up again after ${seconds(Date.now() - from)}` };
}

/** Every process of the server is killed as soon as there is one. */
async function outage(system: ChaosSystem, server: Server, ms: number): Promise<Injected> {
  await system.untilUp(server, UP_MS_MAX);
  const killed = new Set<number>();
  let ready = -1;
  for (const from = Date.now(); Date.now() - from < ms; await sleep(POLL_MS)) {
    const pid = system.pid(server);
    if (pid === undefined || killed.has(pid)) continue;
    if (system.isUp(server)) ready++;
    killed.add(pid);
    process.kill(pid, 'SIGKILL');
  }
  await system.untilUp(server, UP_MS_MAX);
  const detail = `${seconds(ms)}, ${killed.size} starts killed`;
  return ready === 0 ? { detail } : { detail: `${detail}, but it answered ${ready} times in between`, missed: true };
}

/** One more consumer, the one of production: it joins the group, works and leaves in order. */
async function visit({ system }: FaultContext): Promise<Injected> {
  const readyFile = join(system.dir, 'run', 'visitor.json');
  rmSync(readyFile, { force: true });
  const visitor = supervise({
    name: 'visitor',
    command: process.execPath,
    args: ['--disable-warning=TimeoutNegativeWarning', CONSUMER],
    env: { ...system.env, TALLY_SUPERVISED: '1', TALLY_READY_FILE: readyFile },
    logFile: join(system.dir, 'logs', 'visitor.log'),
    ready: async ({ signal }) => {
      while (!existsSync(readyFile)) await sleep(POLL_MS, undefined, { signal });
    },
    readyTimeoutMs: VISITOR_JOIN_MS_MAX,
    stopTimeoutMs: 30_000,
  });
  const from = Date.now();
  try {
    await visitor.start();
    const { url } = JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string };
    while (!(await isInGroup(url))) {
      if (Date.now() - from > VISITOR_JOIN_MS_MAX) return { detail: 'the visitor did not get in', missed: true };
      await sleep(POLL_MS);
    }
    const joinedMs = Date.now() - from;
    await sleep(VISIT_MS);
    return { detail: `in the group after ${seconds(joinedMs)}` };
  } finally {
    await visitor.stop();
  }
}

async function isInGroup(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } });
  await response.arrayBuffer();
  return response.ok;
}

/** One of the tables behind the views takes no more parts; those that are filled before it do. */
async function tooManyParts({ system, random }: FaultContext): Promise<Injected> {
  const { clickhouse } = system;
  const table = random.pick(PARTS_TABLES);
  await clickhouse.command(`SYSTEM STOP MERGES ${table}`);
  await clickhouse.command(`ALTER TABLE ${table} MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1`);
  try {
    return await whileRefusing(system, `table ${table}`, ['CLICKHOUSE_TOO_MANY_PARTS']);
  } finally {
    await clickhouse.command(`ALTER TABLE ${table} RESET SETTING parts_to_throw_insert, parts_to_delay_insert`);
    await clickhouse.command(`SYSTEM START MERGES ${table}`);
  }
}

async function fullDisk({ system }: FaultContext): Promise<Injected> {
  const { disk } = system;
  if ('skipped' in disk) return { detail: disk.skipped, skipped: true };
  await disk.fill();
  try {
    // Merges give space back as they go, so what becomes free is taken again.
    return await whileRefusing(system, 'the disk', DISK_FULL_CODES, () => disk.fill());
  } finally {
    disk.free();
  }
}

/** Waits until steps of consumers have failed for one of the reasons, by the consumers' own word. */
async function whileRefusing(
  system: ChaosSystem,
  what: string,
  codes: readonly string[],
  keepUp: () => Promise<void> = async () => undefined,
): Promise<Injected> {
  const failures = new FailureTail(system.dir);
  for (const from = Date.now(); ; ) {
    await sleep(POLL_MS * 10);
    await keepUp();
    const lastedMs = Date.now() - from;
    const counts = [...failures.read()];
    const times = counts.map(([code, count]) => `${count} x ${code}`).join(', ');
    if (counts.some(([code]) => codes.includes(code)) && lastedMs >= REFUSE_MS_MIN) {
      return { detail: `${what}, for ${seconds(lastedMs)}: ${times}` };
    }
    if (lastedMs > REFUSE_MS_MAX) {
      return { detail: `${what}: not refused for that reason (${times || 'nothing failed'})`, missed: true };
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
