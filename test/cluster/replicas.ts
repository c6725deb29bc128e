/**
 * A run on replicas: one log into one server and into two shards of two replicas each. A replica that is copied to, one
 * that is connected to, and the ZooKeeper that they agree by are taken away in turn while events are counted. In the end
 * every figure is one server's, on every replica.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf } from '@tally/metering';
import { ClickHouse } from '@tally/platform/clickhouse';
import { type Send, Truth } from '@tally/simulator';
import { Pace, sendStream, streamOf } from '../chaos/traffic.ts';
import { type ComparedDatabases, type CountedBy, compareDatabases } from './figures.ts';
import type { ReplicasForm } from './form.ts';
import { answers, type Outage, type Strike, type Watched, watch } from './outage.ts';
import { countedTwice, lostOf, outageEvents, questionsOf, recordsOf, sendQuiet, untilCounted } from './run.ts';
import type { ClusterStage } from './stage.ts';

export interface ReplicasReport {
  ok: boolean;
  records: number;
  outages: Outage[];
  lost: number;
  countedTwice: number;
  /** One server's figures beside those of the replicas that are connected to, and of the others. */
  connected: ComparedDatabases;
  copies: ComparedDatabases;
  /** `tally ledger --verify` found every figure in the log. */
  verified: boolean;
  faults: string[];
  durationMs: number;
}

export const SHARDS = 2;
export const REPLICAS = 2;
const LEAD_SHARE = 0.2;
const BETWEEN_STRIKES_MS = 2_000;
const REPLICATED_MS_MAX = 30_000;
/** Past the end of the servers' sessions with ZooKeeper. */
const FROZEN_MS = 9_000;

export async function runReplicas(
  stage: ClusterStage,
  { form, seed, until, say }: { form: ReplicasForm; seed: number; until: Date; say: (line: string) => void },
): Promise<ReplicasReport> {
  const startedAt = Date.now();
  const fatal: unknown[] = [];
  const onFatal = (error: unknown): void => void fatal.push(error);
  const one: CountedBy = { clickhouse: await stage.database('one', 1), groupId: 'one' };
  const two: CountedBy = { clickhouse: await stage.database('two', SHARDS), groupId: 'two' };
  say(`tables made on ${SHARDS * REPLICAS} servers, ${Date.now() - startedAt} ms`);
  const consumers = [
    await stage.consumer(stage.envOf('one', 1, 'one'), onFatal),
    await stage.consumer(stage.envOf('two', SHARDS, 'two'), onFatal),
  ];
  await sendQuiet(stage, until);
  const watched: Watched = {
    apiUrl: await stage.api(stage.envOf('two', SHARDS, 'two')),
    gatewayUrl: await stage.gateway('two', SHARDS),
    groupId: 'two',
    shards: SHARDS,
    questions: questionsOf(until),
  };
  await untilCounted(stage, [one, two]);

  const sends: Send[] = [...streamOf({ seed, events: form.events, tenants: form.tenants, until })];
  let allowed = Math.ceil(sends.length * LEAD_SHARE);
  const pace = new Pace((passed) => passed < allowed);
  try {
    const sending = sendStream(stage, { sends, truth: new Truth(), pace });
    sending.catch(onFatal);
    const outages: Outage[] = [];
    for (const strikeOf of form.strikes.map((kind) => STRIKES[kind])) {
      allowed += Math.ceil((sends.length * (1 - LEAD_SHARE)) / form.strikes.length);
      await sleep(BETWEEN_STRIKES_MS);
      const outage = await watch(stage, strikeOf(stage), watched);
      say(
        `${outage.what}: away ${outage.awayMs} ms, ${outage.exact} answers exact, ${outage.refused} refused ` +
          `(${outage.codes.join(' ')}), ${outage.wrong.length} wrong`,
      );
      outages.push(outage);
    }
    allowed = sends.length;
    await sending;
    await untilCounted(stage, [one, two]);
    const answered = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => stage.answered(ask, say);
    const copied = copiesOf(stage, two);
    const ledgerFaults = await stage.ledgerFaults('two', SHARDS, say);
    const report = {
      records: await recordsOf(stage),
      outages,
      lost: await answered(() => lostOf(stage, two)),
      countedTwice: await answered(() => countedTwice(two.clickhouse)),
      connected: await answered(() => compareDatabases(stage, one, two, dayOf(Date.now()))),
      copies: await answered(() => compareDatabases(stage, one, copied, dayOf(Date.now()))),
      verified: ledgerFaults === '',
    };
    const faults = [
      ...faultsOf(report, form),
      ...(ledgerFaults === '' ? [] : [`tally ledger --verify does not find the figures in the log: ${ledgerFaults}`]),
      ...fatal.map(String),
      ...(await answered(() => outageEvents(two.clickhouse, outages))),
      ...(await answered(() => untilReplicated(stage))),
    ];
    return { ok: faults.length === 0, ...report, faults, durationMs: Date.now() - startedAt };
  } finally {
    for (const consumer of consumers) await consumer.stop();
  }
}

export type StrikeKind = 'copy' | 'connected' | 'home' | 'zookeeper' | 'frozen';

const STRIKES: Readonly<Record<StrikeKind, (stage: ClusterStage) => Strike>> = {
  copy: (stage) => killReplica(stage, { shard: 1, replica: 1, what: 'copy of shard 1 killed' }),
  connected: (stage) => killReplica(stage, { shard: 1, replica: 0, what: 'shard 1 killed' }),
  home: (stage) => killReplica(stage, { shard: 0, replica: 0, what: 'shard 0 killed' }),
  zookeeper: (stage) => killZookeeper(stage),
  frozen: (stage) => freezeZookeeper(stage),
};

function killReplica(
  { stack }: ClusterStage,
  { what, shard, replica }: { what: string; shard: number; replica: number },
): Strike {
  const engine = replica * SHARDS + shard;
  const pid = stack.pids().clickhouse[engine];
  const url = [...stack.clickhouseShards, ...stack.clickhouseReplicas][engine] ?? '';
  if (pid === undefined) throw new Error(`engine ${engine} does not run`);
  return { what, shard, begin: () => void process.kill(pid, 'SIGKILL'), isOver: () => answers(url) };
}

function killZookeeper(stage: ClusterStage): Strike {
  const pid = zookeeperOf(stage);
  const isOver = async (): Promise<boolean> => ![undefined, pid].includes(stage.stack.pids().zookeeper?.[0]);
  return { what: 'ZooKeeper killed', shard: 1, begin: () => void process.kill(pid, 'SIGKILL'), isOver };
}

function freezeZookeeper(stage: ClusterStage): Strike {
  const pid = zookeeperOf(stage);
  let until = Number.POSITIVE_INFINITY;
  return {
    what: 'ZooKeeper frozen',
    shard: 1,
    begin: () => {
      process.kill(pid, 'SIGSTOP');
      until = Date.now() + FROZEN_MS;
      // By the clock, for whoever asks may be kept waiting as long as it is frozen.
      setTimeout(() => process.kill(pid, 'SIGCONT'), FROZEN_MS);
    },
    isOver: async () => Date.now() > until,
  };
}

function zookeeperOf({ stack }: ClusterStage): number {
  const [pid] = stack.pids().zookeeper ?? [];
  if (pid === undefined) throw new Error('ZooKeeper does not run');
  return pid;
}

/** The same database by way of the replicas that nobody is connected to otherwise. */
function copiesOf(stage: ClusterStage, { clickhouse, groupId }: CountedBy): CountedBy {
  const [url = ''] = stage.stack.clickhouseReplicas;
  const options = { ...stage.optionsOf(clickhouse.database, SHARDS), url, shards: stage.stack.clickhouseReplicas };
  return { clickhouse: stage.client(options), groupId };
}

/** Tables that a replica does not keep up with, in words, when it has had time to. */
async function untilReplicated(stage: ClusterStage): Promise<string[]> {
  const deadline = Date.now() + REPLICATED_MS_MAX;
  for (;;) {
    const faults = await notReplicated(stage);
    if (faults.length === 0 || Date.now() > deadline) return faults;
    await sleep(BETWEEN_STRIKES_MS);
  }
}

async function notReplicated({ stack }: ClusterStage): Promise<string[]> {
  const faults: string[] = [];
  for (const url of [...stack.clickhouseShards, ...stack.clickhouseReplicas]) {
    const server = new ClickHouse({ url, database: 'default' });
    try {
      const rows = await server.query<{ name: string }>(
        `SELECT concat(database, '.', table) AS name FROM system.replicas
         WHERE is_readonly OR active_replicas != total_replicas OR lost_part_count > 0`,
      );
      const { tables } = await server.queryOne<{ tables: string }>('SELECT count() AS tables FROM system.replicas');
      if (tables === '0') faults.push(`${url} has no replicated table`);
      faults.push(...rows.map(({ name }) => `${url}: ${name} is not as its replicas`));
    } finally {
      await server.close();
    }
  }
  return faults;
}

function faultsOf(
  report: Pick<ReplicasReport, 'outages' | 'lost' | 'countedTwice' | 'connected' | 'copies'>,
  form: ReplicasForm,
): string[] {
  const { outages, lost, countedTwice: twice, connected, copies } = report;
  return [
    ...(lost === 0 ? [] : [`${lost} positions have no outcome`]),
    ...(twice === 0 ? [] : [`${twice} events count more than once`]),
    ...connected.differences,
    ...copies.differences.map((text) => `on the copies: ${text}`),
    ...(connected.balanced && copies.balanced ? [] : ['a ledger is not balanced']),
    ...outages.flatMap(({ wrong }) => wrong),
    ...outages.flatMap(({ what, declined }) =>
      declined === 0 ? [] : [`the gateway declined ${declined} events: ${what}`],
    ),
    ...(outages.length === form.strikes.length ? [] : ['a strike is missing']),
    // A strike that nobody noticed shows nothing.
    ...(outages.some(({ refused }) => refused > 0) ? [] : ['no question was refused: nothing was away']),
  ];
}
