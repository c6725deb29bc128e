/**
 * Many tenants that cross a threshold at once: all of their interactions are counted and published, and then all buy the
 * same licence in one insert, of which they have used 80 % already.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertBenchOptions } from './alerts.ts';
import { type AlertServices, CROSSING, licenseAll, sendHistory, until } from './alerts-services.ts';
import type { BenchStack } from './bench-stack.ts';
import { type PeakMemory, PeakWatch } from './memory.ts';
import { stage } from './stage.ts';

const PUBLISHED_MS_MAX = 600_000;
const DELIVERED_MS_MAX = 900_000;
const MINUTE_MS = 60_000;
/** The look of the minute is over, and the next one is not yet: the licences come in between. */
const CROSS_AT_SECOND = 50;

export interface Crowd {
  tenants: number;
  /** Changes of their alerts: one for the share, and one for where the month is heading. */
  changes: number;
  /** The look: to observe, decide and store all of it. */
  lookMs: number;
  /** From the look's beginning to the first webhook, and to the last. */
  firstArrivedMs: number;
  lastArrivedMs: number;
  /** From the first webhook to the last. */
  deliveryMs: number;
  deliveredPerSecond: number;
  /** Webhooks that came more than once. */
  repeated: number;
  memory: { notifier: PeakMemory; clickhouse: PeakMemory };
}

export async function measureCrowd(
  bench: BenchStack,
  services: AlertServices,
  { tenants: count }: Pick<AlertBenchOptions, 'tenants'>,
): Promise<Crowd> {
  const { clickhouse } = bench;
  const tenants = Array.from({ length: count }, (_, index) => `crowd-${index + 1}`);
  stage(`${count} tenants get ${CROSSING} interactions each`);
  await sendHistory(bench, { tenants, prefix: 'crowd-', each: CROSSING });
  stage('the aggregator publishes them');
  await until('all are published', PUBLISHED_MS_MAX, async () => {
    const { published } = await clickhouse.queryOne<{ published: string }>(
      `SELECT uniqExact(tenant_id) AS published FROM snapshots
       WHERE startsWith(tenant_id, 'crowd-') AND meter = 'interactions' AND total = {total:UInt32}`,
      { total: CROSSING },
    );
    return Number(published) === count;
  });
  await sleep(MINUTE_MS - ((Date.now() - CROSS_AT_SECOND * 1000) % MINUTE_MS));
  stage('all of them cross');
  const before = services.receipts.length;
  const ofNotifier = new PeakWatch(clickhouse, () => services.pid('notifier'));
  const ofClickHouse = new PeakWatch(clickhouse, () => bench.pid());
  let changes = 0;
  const crossedAt = Date.now();
  const work = async (): Promise<void> => {
    await licenseAll(bench, tenants, crossedAt);
    await until('all is decided', DELIVERED_MS_MAX, async () => (await lookSince(bench, crossedAt)) !== undefined);
    changes = (await lookSince(bench, crossedAt))?.published ?? 0;
    stage(`${changes} changes are decided`);
    await until('all is delivered', DELIVERED_MS_MAX, async () => services.receipts.length - before >= changes);
  };
  await ofNotifier.during(() => ofClickHouse.during(work));
  const received = services.receipts.slice(before);
  const look = await lookSince(bench, crossedAt);
  const first = received[0]?.at ?? 0;
  const last = received.at(-1)?.at ?? 0;
  const startedAt = look?.startedAt ?? 0;
  return {
    tenants: count,
    changes,
    lookMs: (look?.finishedAt ?? 0) - startedAt,
    firstArrivedMs: first - startedAt,
    lastArrivedMs: last - startedAt,
    deliveryMs: last - first,
    deliveredPerSecond: Math.round((received.length * 1000) / Math.max(1, last - first)),
    repeated: received.length - new Set(received.map(({ id }) => id)).size,
    memory: { notifier: ofNotifier.peak, clickhouse: ofClickHouse.peak },
  };
}

interface Look {
  startedAt: number;
  finishedAt: number;
  published: number;
}

/** The first look since then that changed anything. */
async function lookSince({ clickhouse }: BenchStack, since: number): Promise<Look | undefined> {
  const [row] = await clickhouse.query<{ started: string; finished: string; published: string }>(
    `SELECT toUnixTimestamp64Milli(started_at) AS started, toUnixTimestamp64Milli(finished_at) AS finished, published
     FROM aggregator_runs
     WHERE job = 'alerts' AND started_at >= fromUnixTimestamp64Milli({since:Int64}) AND published > 0
     ORDER BY started_at LIMIT 1`,
    { since },
  );
  return row && { startedAt: Number(row.started), finishedAt: Number(row.finished), published: Number(row.published) };
}
