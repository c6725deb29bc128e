/**
 * A run: one log into one server and into two shards, of which one is killed now and then; then to more shards. In the
 * end every figure is one server's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyProducer } from '@tally/producer';
import { type Send, Truth } from '@tally/simulator';
import { compareMeters } from '../chaos/meters.ts';
import { Pace, sendStream, streamOf } from '../chaos/traffic.ts';
import { type ComparedDatabases, type CountedBy, compareDatabases } from './figures.ts';
import type { ClusterForm } from './form.ts';
import { killShard, OUTAGE_TENANT, type Outage, type Watched } from './outage.ts';
import { refusalsMissing } from './refusals.ts';
import { type Resharding, runReshard } from './reshard.ts';
import type { ClusterStage } from './stage.ts';

export interface ClusterReport {
  ok: boolean;
  /** Records in the log. */
  records: number;
  outages: Outage[];
  /** Positions without an outcome, and events that count more than once, on the shards. */
  lost: number;
  countedTwice: number;
  /** Figures of the shards beside the simulator's own truth. */
  truth: { figures: number; differences: string[] };
  /** Figures of the shards beside one server's. */
  oneServer: ComparedDatabases;
  reshardings: (Resharding & { after: ComparedDatabases })[];
  /** What was not as it must be, in words. */
  faults: string[];
  durationMs: number;
}

const QUIET_TENANT = 'quiet';
const QUIET_EVENTS = 400;
/** Of the stream, sent before the first kill; so much for each resharding is kept for later. */
const LEAD_SHARE = 0.2;
const RESHARD_SHARE = 0.15;
/** Records that are sent and not counted yet by the slower of the two, at most: there is always load, never a backlog. */
const AHEAD_MAX = 6_000;
const POLL_MS = 100;
const STALLED_MS_MAX = 300_000;
const BETWEEN_KILLS_MS = 1_500;

export async function runCluster(
  stage: ClusterStage,
  { form, seed, until, say }: { form: ClusterForm; seed: number; until: Date; say: (line: string) => void },
): Promise<ClusterReport> {
  const startedAt = Date.now();
  const fatal: unknown[] = [];
  const open = async (database: string, servers: number): Promise<CountedBy> => {
    const clickhouse = await stage.database(database, servers);
    return { clickhouse, groupId: database };
  };
  const one = await open('one', 1);
  const two = await open('two', 2);
  const onFatal = (error: unknown): void => void fatal.push(error);
  const consumers = new Map([
    ['one', await stage.consumer(stage.envOf('one', 1, 'one'), onFatal)],
    ['two', await stage.consumer(stage.envOf('two', 2, 'two'), onFatal)],
  ]);
  await sendQuiet(stage, until);
  const watched: Watched = {
    apiUrl: await stage.api(stage.envOf('two', 2, 'two')),
    gatewayUrl: await stage.gateway('two', 2),
    groupId: 'two',
    shards: 2,
    questions: questionsOf(until),
  };
  await untilCounted(stage, [one, two]);

  const sends: Send[] = [...streamOf({ seed, events: form.events, tenants: form.tenants, until })];
  let allowed = Math.ceil(sends.length * LEAD_SHARE);
  let ahead = 0;
  const truth = new Truth();
  const pace = new Pace((passed) => passed < allowed && ahead < AHEAD_MAX);
  const measuring = setInterval(() => {
    Promise.all([lagOf(stage, 'one'), lagOf(stage, 'two')]).then(
      (lags) => {
        ahead = Math.max(...lags);
      },
      () => undefined,
    );
  }, POLL_MS);
  try {
    const sending = sendStream(stage, { sends, truth, pace });
    sending.catch(onFatal);
    const outages: Outage[] = [];
    for (let kill = 0; kill < form.kills; kill++) {
      allowed += Math.ceil((sends.length * (1 - LEAD_SHARE - RESHARD_SHARE * form.reshardings.length)) / form.kills);
      await sleep(BETWEEN_KILLS_MS);
      const shard = kill === form.kills - 1 ? 0 : 1;
      const outage = await killShard(stage, shard, watched);
      say(
        `shard ${shard} killed, away ${outage.awayMs} ms: ${outage.exact} answers exact, ${outage.refused} refused, ` +
          `${outage.wrong.length} wrong; ${outage.othersWentOnBy} records of the other shard meanwhile`,
      );
      outages.push(outage);
    }
    const reshardings: ClusterReport['reshardings'] = [];
    for (const [from, to] of form.reshardings) {
      allowed += Math.ceil(sends.length * RESHARD_SHARE);
      const source = from === 1 ? 'one' : `on${from}`;
      const old = from === 1 ? 'one' : 'two';
      const database = `on${to}`;
      say(`copying from ${from} to ${to} shards while events come`);
      const resharding = await runReshard(stage, stage.envOf(old, from, old), { database, from, to });
      const target = { clickhouse: stage.client(stage.optionsOf(database, to)), groupId: database };
      // The consumers of the new database go on after what was copied, in a group of their own: the old one goes on as well.
      await copyGroup(stage, old, database);
      await stage.rewind(target.clickhouse, database);
      consumers.set(database, await stage.consumer(stage.envOf(database, to, database), onFatal));
      await untilCounted(stage, [one, target]);
      const after = await stage.answered(() => compareDatabases(stage, one, target, dayOf(Date.now())), say);
      say(
        `${source}: ${resharding.rows} rows in ${resharding.copyMs.toFixed(0)} ms, ${after.differences.length} differences`,
      );
      reshardings.push({ ...resharding, after });
    }
    allowed = sends.length;
    await sending;
    await untilCounted(stage, [one, two]);
    const answered = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => stage.answered(ask, say);
    const met = await answered(() => compareMeters({ clickhouse: two.clickhouse }, { truth, until }));
    const strangers = met.differences.filter((text) => !text.endsWith(QUIET_TENANT) && !text.endsWith(OUTAGE_TENANT));
    const report = {
      records: await recordsOf(stage),
      outages,
      lost: await answered(() => lostOf(stage, two)),
      countedTwice: await answered(() => countedTwice(two.clickhouse)),
      truth: { figures: met.interactions.figures + met.engaged.figures + met.unified.figures, differences: strangers },
      oneServer: await answered(() => compareDatabases(stage, one, two, dayOf(Date.now()))),
      reshardings,
    };
    const faults = [
      ...faultsOf(report, form),
      ...(await refusalsMissing(stage)),
      ...fatal.map(String),
      ...(await answered(() => outageEvents(two.clickhouse, outages))),
    ];
    return { ok: faults.length === 0, ...report, faults, durationMs: Date.now() - startedAt };
  } finally {
    clearInterval(measuring);
    for (const consumer of consumers.values()) await consumer.stop();
  }
}

/** A tenant of which nothing comes later, so that every answer about it must be the same. */
export async function sendQuiet(stage: ClusterStage, until: Date): Promise<void> {
  const producer = new TallyProducer({ brokers: [stage.stack.kafka], log: stage.log });
  try {
    await Promise.all(
      Array.from({ length: QUIET_EVENTS }, (_, index) =>
        producer.email({
          tenantId: QUIET_TENANT,
          environmentId: 'prod',
          entityType: 'contact',
          entityId: `q-${index}`,
          eventId: `quiet-${index}`,
          occurredAt: until,
        }),
      ),
    );
  } finally {
    await producer.close();
  }
}

export function questionsOf(until: Date): Watched['questions'] {
  const day = until.toISOString().slice(0, 10);
  const month = day.slice(0, 7);
  const tenant = `/v1/tenants/${QUIET_TENANT}`;
  return [
    {
      path: `${tenant}/interactions?from=${month}&to=${month}`,
      total: ({ months }) => months?.[0]?.total ?? -1,
      expected: QUIET_EVENTS,
    },
    { path: `${tenant}/engaged?asOf=${day}`, total: ({ total }) => total ?? -1, expected: QUIET_EVENTS },
  ];
}

/** Records in the log that a group has not committed yet. */
async function lagOf(stage: ClusterStage, groupId: string): Promise<number> {
  let lag = 0;
  for (const topic of [stage.topics.interactions, stage.topics.profiles]) {
    const committed = await stage.admin.committed(groupId, topic);
    for (const { partition, start, end } of await stage.admin.extents(topic)) {
      lag += Number(end - (committed.get(partition) ?? start));
    }
  }
  return lag;
}

export async function untilCounted(stage: ClusterStage, databases: readonly CountedBy[]): Promise<void> {
  const deadline = Date.now() + STALLED_MS_MAX;
  for (const { groupId } of databases) {
    while ((await lagOf(stage, groupId)) > 0) {
      if (Date.now() > deadline) throw new Error(`${groupId} did not catch up within ${STALLED_MS_MAX} ms`);
      await sleep(POLL_MS);
    }
  }
}

async function copyGroup(stage: ClusterStage, from: string, to: string): Promise<void> {
  for (const topic of [stage.topics.interactions, stage.topics.profiles]) {
    await stage.admin.setCommitted(to, topic, await stage.admin.committed(from, topic));
  }
}

export async function recordsOf(stage: ClusterStage): Promise<number> {
  let records = 0;
  for (const topic of [stage.topics.interactions, stage.topics.profiles]) {
    for (const { start, end } of await stage.admin.extents(topic)) records += Number(end - start);
  }
  return records;
}

export async function lostOf(stage: ClusterStage, { clickhouse }: CountedBy): Promise<number> {
  const { found } = await clickhouse.queryOne<{ found: string }>(
    'SELECT sum(found) AS found FROM (SELECT groupBitmapMerge(positions) AS found FROM log_outcomes GROUP BY epoch, partition)',
  );
  return (await recordsOf(stage)) - Number(found);
}

export async function countedTwice(clickhouse: ClickHouse): Promise<number> {
  const { twice } = await clickhouse.queryOne<{ twice: string }>(
    'SELECT uniqExact(position) - uniqExact(event_key) AS twice FROM interactions',
  );
  return Number(twice);
}

/** What the gateway took while a shard was away is counted, once each. */
export async function outageEvents(clickhouse: ClickHouse, outages: readonly Outage[]): Promise<string[]> {
  const accepted = outages.reduce((sum, outage) => sum + outage.accepted, 0);
  const { counted } = await clickhouse.queryOne<{ counted: string }>(
    'SELECT uniqExact(position) AS counted FROM interactions WHERE tenant_id = {tenantId:String}',
    { tenantId: OUTAGE_TENANT },
  );
  return Number(counted) === accepted ? [] : [`${accepted} events accepted while a shard was away, ${counted} counted`];
}

function faultsOf(
  report: Pick<ClusterReport, 'lost' | 'countedTwice' | 'truth' | 'oneServer' | 'outages' | 'reshardings'>,
  form: ClusterForm,
): string[] {
  const { lost, countedTwice: twice, truth, oneServer, outages, reshardings } = report;
  const compared = [oneServer, ...reshardings.map(({ after }) => after)];
  return [
    ...(lost === 0 ? [] : [`${lost} positions have no outcome`]),
    ...(twice === 0 ? [] : [`${twice} events count more than once`]),
    ...truth.differences,
    ...compared.flatMap(({ differences }) => differences),
    ...(compared.every(({ balanced }) => balanced) ? [] : ['a ledger is not balanced']),
    ...outages.flatMap(({ wrong }) => wrong),
    ...outages.flatMap(({ shard, declined }) =>
      declined === 0 ? [] : [`the gateway declined ${declined} events while shard ${shard} was away`],
    ),
    // A kill that nobody noticed shows nothing.
    ...(outages.some(({ refused }) => refused > 0) ? [] : ['no question was refused: no shard was away']),
    ...(outages.some(({ othersWentOnBy }) => othersWentOnBy > 0) ? [] : ['no other shard went on while one was away']),
    ...(outages.length === form.kills ? [] : ['a kill is missing']),
  ];
}
