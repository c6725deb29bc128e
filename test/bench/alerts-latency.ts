/**
 * From an event to its webhook. Each try is a tenant of its own that has been quiet for longer than the look goes back, so
 * that it is looked at only once its figure is published: the longer way of the two.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { aggregate } from '@tally/aggregator';
import { alertChange } from '@tally/alerts';
import { committedPositions, lastSucceeded } from '@tally/figures';
import { TallyError } from '@tally/platform/errors';
import { ALERTS_JOB } from '@tally/watch';
import type { Receipt } from '../support/webhook-receiver.ts';
import type { AlertBenchOptions } from './alerts.ts';
import { type AlertServices, CROSSING, licenseAll, sendHistory, until } from './alerts-services.ts';
import { type BenchStack, benchLog } from './bench-stack.ts';
import { stage } from './stage.ts';
import { percentile } from './timing.ts';

const RULE = 'quota-share-interactions';
/** The look takes tenants of whom something was published in the ten minutes before the last one, and a little more. */
const QUIET_MS = 30 * 60_000;
const SEEN_EVERY_MS = 100;
const ARRIVED_MS_MAX = 300_000;
const SETTLED_MS_MAX = 120_000;

/** Moments of one try, milliseconds since 1970-01-01 UTC. */
interface Try {
  sent: number;
  accepted: number;
  counted: number;
  published: number;
  decided: number;
  stored: number;
  arrived: number;
}

export interface Spread {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Latency {
  tries: number;
  windowSeconds: number;
  /** From before the request to the gateway until the webhook has arrived, signature verified. */
  whole: Spread;
  /** Of that, from a moment of a try to the next one. */
  parts: Record<'accepted' | 'counted' | 'published' | 'decided' | 'stored' | 'arrived', Spread>;
}

export async function measureLatency(
  bench: BenchStack,
  services: AlertServices,
  { tries, windowSeconds }: Pick<AlertBenchOptions, 'tries' | 'windowSeconds'>,
): Promise<Latency> {
  const { clickhouse } = bench;
  const tenants = Array.from({ length: tries }, (_, index) => `try-${index + 1}`);
  stage(`${tries} tenants get to just below their threshold`);
  await services.start('gateway', 'consumer');
  await licenseAll(bench, tenants, Date.now() - QUIET_MS);
  await sendHistory(bench, { tenants, prefix: 'try-', each: CROSSING - 1 });
  await publishEarlier(bench);
  const startedAt = Date.now();
  await services.start('aggregator', 'api', 'notifier');
  await until(
    'a first look',
    SETTLED_MS_MAX,
    async () => ((await lastSucceeded(clickhouse, ALERTS_JOB)) ?? 0) >= startedAt,
  );
  stage(`each of them crosses it at a moment within ${windowSeconds} s`);
  const moments = new Map<string, Try>();
  const over = new AbortController();
  const watching = watchCounted(bench, moments, over.signal);
  await Promise.all(
    tenants.map(async (tenantId) => {
      await sleep(Math.random() * windowSeconds * 1000);
      await cross(services, tenantId, moments);
    }),
  );
  stage('the last webhooks are on their way');
  await until('every webhook has arrived', ARRIVED_MS_MAX, async () => arrivals(services.receipts).size === tries);
  over.abort();
  await watching;
  await addWhatIsStored(bench, services, moments);
  return summaryOf([...moments.values()], windowSeconds);
}

/** What was published as long ago as the tenants were quiet. */
async function publishEarlier({ clickhouse, admin, groupId, topics }: BenchStack): Promise<void> {
  // What is counted is committed a moment later.
  await until('everything is committed', SETTLED_MS_MAX, async () => {
    const committed = await admin.committed(groupId, topics.interactions);
    const extents = await admin.extents(topics.interactions);
    return extents.every(({ partition, end }) => end === 0n || (committed.get(partition) ?? 0n) >= end);
  });
  await aggregate({
    clickhouse,
    positions: () => committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] }),
    topics,
    clock: () => Date.now() - QUIET_MS,
    log: benchLog,
  });
}

async function cross(services: AlertServices, tenantId: string, moments: Map<string, Try>): Promise<void> {
  const sent = Date.now();
  const none = { accepted: 0, counted: 0, published: 0, decided: 0, stored: 0, arrived: 0 };
  const moment: Try = { sent, ...none };
  moments.set(tenantId, moment);
  const response = await fetch(`${services.gateway()}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${services.adminKey}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      type: 'tally.interaction.v1',
      source: '/bench',
      id: 'crossing',
      time: new Date(sent).toISOString(),
      data: { tenantId, environmentId: 'prod', entityType: 'contact', entityId: 'c1', channel: 'email' },
    }),
  });
  moment.accepted = Date.now();
  if (response.status === 202) return;
  const message = `the gateway answered ${response.status}: ${await response.text()}`;
  throw new TallyError(message, { code: 'BENCH_EVENT_REFUSED', retriable: false });
}

/** No table says when an event was counted, so it is looked for again and again. */
async function watchCounted({ clickhouse }: BenchStack, moments: Map<string, Try>, over: AbortSignal): Promise<void> {
  for (; !over.aborted; await sleep(SEEN_EVERY_MS)) {
    const rows = await clickhouse.query<{ tenant_id: string }>(
      "SELECT DISTINCT tenant_id FROM interactions WHERE event_id = 'crossing'",
    );
    const now = Date.now();
    for (const { tenant_id } of rows) {
      const moment = moments.get(tenant_id);
      if (moment?.counted === 0) moment.counted = now;
    }
  }
}

interface Arrival {
  changeId: string;
  at: number;
}

/** By tenant, the first webhook of the rule whose signature holds. */
function arrivals(receipts: readonly Receipt[]): Map<string, Arrival> {
  const arrived = new Map<string, Arrival>();
  for (const { id, body, verified, at } of receipts) {
    if (!verified) throw new TallyError(`${id}: wrong signature`, { code: 'BENCH_SIGNATURE', retriable: false });
    const { alert } = alertChange.parse((JSON.parse(body) as { data: unknown }).data);
    const tenantId = alert.tenantId ?? '';
    if (alert.rule === RULE && !arrived.has(tenantId)) arrived.set(tenantId, { changeId: id, at });
  }
  return arrived;
}

async function addWhatIsStored(
  { clickhouse }: BenchStack,
  { receipts }: AlertServices,
  moments: ReadonlyMap<string, Try>,
): Promise<void> {
  const runs = await clickhouse.query<{ tenant_id: string; at: string }>(
    `SELECT tenant_id, toUnixTimestamp64Milli(min(finished_at)) AS at
     FROM snapshots
     INNER JOIN aggregator_runs USING (run_id)
     WHERE meter = 'interactions' AND total >= {crossing:UInt32}
     GROUP BY tenant_id`,
    { crossing: CROSSING },
  );
  const changes = await clickhouse.query<{ tenant_id: string; decided: string; stored: string }>(
    `SELECT tenant_id, toUnixTimestamp64Milli(min(at)) AS decided, toUnixTimestamp64Milli(min(written_at)) AS stored
     FROM alert_changes
     WHERE JSONExtractString(document, 'alert', 'rule') = {rule:String}
     GROUP BY tenant_id`,
    { rule: RULE },
  );
  const arrived = arrivals(receipts);
  const published = new Map(runs.map(({ tenant_id, at }) => [tenant_id, Number(at)]));
  const stored = new Map(changes.map((row) => [row.tenant_id, row]));
  for (const [tenantId, moment] of moments) {
    moment.published = published.get(tenantId) ?? 0;
    moment.decided = Number(stored.get(tenantId)?.decided ?? 0);
    moment.stored = Number(stored.get(tenantId)?.stored ?? 0);
    moment.arrived = arrived.get(tenantId)?.at ?? 0;
  }
}

function summaryOf(tries: readonly Try[], windowSeconds: number): Latency {
  const between = (from: keyof Try, to: keyof Try): Spread => {
    const times = tries.map((one) => one[to] - one[from]).sort((a, b) => a - b);
    return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99), maxMs: times.at(-1) ?? 0 };
  };
  return {
    tries: tries.length,
    windowSeconds,
    whole: between('sent', 'arrived'),
    parts: {
      accepted: between('sent', 'accepted'),
      counted: between('accepted', 'counted'),
      published: between('counted', 'published'),
      decided: between('published', 'decided'),
      stored: between('decided', 'stored'),
      arrived: between('stored', 'arrived'),
    },
  };
}
