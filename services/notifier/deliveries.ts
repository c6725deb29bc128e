/**
 * What became of each change at each target: rows of `alert_deliveries`, and the queries over them. All of the notifier's
 * state is in there.
 */
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

/** waiting and unwanted: the decision who is told; the others: an attempt, or its end. */
export type DeliveryOutcome = 'waiting' | 'unwanted' | 'delivered' | 'failed' | 'refused' | 'undeliverable';

/** Times are milliseconds since 1970-01-01 UTC. */
export interface Delivery {
  changeId: string;
  /** Empty where no target wanted the change. */
  targetId: string;
  /** When the change happened. */
  changedAt: number;
  /** When it was decided who is told. */
  plannedAt: number;
  /** 0 is the decision; 1, 2, …: attempts. */
  attempt: number;
  at: number;
  outcome: DeliveryOutcome;
  /** What HTTP or SMTP answered; 0 where nothing did. */
  status: number;
  detail: string;
  /** Null when nothing is to follow. */
  nextAttemptAt: number | null;
  durationMs: number;
}

/** A delivery to make now. */
export interface DueDelivery {
  changeId: string;
  changedAt: number;
  plannedAt: number;
  /** Attempts so far. */
  attempts: number;
}

export interface Waiting {
  targetId: string;
  waiting: number;
  /** Of those, how many are to be tried now. */
  due: number;
  /** When the oldest was decided, milliseconds since 1970-01-01 UTC. */
  oldestPlannedAt: number;
}

/** Appends rows. */
export async function recordDeliveries(clickhouse: ClickHouse, deliveries: readonly Delivery[]): Promise<void> {
  await clickhouse.insert(
    'alert_deliveries',
    deliveries.map((delivery) => ({
      change_id: delivery.changeId,
      target_id: delivery.targetId,
      changed_at: dateTime64(delivery.changedAt),
      planned_at: dateTime64(delivery.plannedAt),
      attempt: delivery.attempt,
      at: dateTime64(delivery.at),
      outcome: delivery.outcome,
      status: delivery.status,
      detail: delivery.detail,
      next_attempt_at: delivery.nextAttemptAt === null ? null : dateTime64(delivery.nextAttemptAt),
      duration_ms: delivery.durationMs,
    })),
  );
}

/** Changes and targets for which something is to follow. The tuple: argMax leaves rows out whose value is NULL. */
const openWhere = (target: string): string => `
  SELECT
    target_id,
    change_id,
    toUnixTimestamp64Milli(any(changed_at)) AS changed_ms,
    toUnixTimestamp64Milli(any(planned_at)) AS planned_ms,
    max(attempt) AS attempts,
    tupleElement(argMax(tuple(next_attempt_at), tuple(attempt, at)), 1) AS next_at
  FROM alert_deliveries
  WHERE planned_at >= fromUnixTimestamp64Milli({since:Int64}) AND ${target}
  GROUP BY target_id, change_id
  HAVING next_at IS NOT NULL`;

/**
 * What waits for each target.
 * @param since nothing that was decided earlier waits; milliseconds
 */
export async function waitingDeliveries(
  clickhouse: ClickHouse,
  { since, now }: { since: number; now: number },
): Promise<Waiting[]> {
  const rows = await clickhouse.query<{ target_id: string; waiting: string; due: string; oldest: string }>(
    `SELECT
       target_id,
       count() AS waiting,
       countIf(next_at <= fromUnixTimestamp64Milli({now:Int64})) AS due,
       min(planned_ms) AS oldest
     FROM (${openWhere("target_id != ''")})
     GROUP BY target_id`,
    { since, now },
  );
  return rows.map(({ target_id, waiting, due, oldest }) => ({
    targetId: target_id,
    waiting: Number(waiting),
    due: Number(due),
    oldestPlannedAt: Number(oldest),
  }));
}

/** How many deliveries ended undelivered since a moment, milliseconds. */
export async function givenUpSince(clickhouse: ClickHouse, since: number): Promise<number> {
  const { deliveries } = await clickhouse.queryOne<{ deliveries: string }>(
    `SELECT uniqExact(change_id, target_id) AS deliveries
     FROM alert_deliveries
     WHERE outcome = 'undeliverable' AND at >= fromUnixTimestamp64Milli({since:Int64})`,
    { since },
  );
  return Number(deliveries);
}

export interface DueQuery {
  targetId: string;
  since: number;
  /** Whose time has come until then; Infinity: all that wait. */
  now: number;
  limit: number;
}

/** Deliveries to make to a target, in the order in which the changes happened. */
export async function dueDeliveries(
  clickhouse: ClickHouse,
  { targetId, since, now, limit }: DueQuery,
): Promise<DueDelivery[]> {
  const rows = await clickhouse.query<{ change_id: string; changed_ms: string; planned_ms: string; attempts: number }>(
    `SELECT change_id, changed_ms, planned_ms, attempts
     FROM (${openWhere('target_id = {targetId:String}')})
     WHERE ({all:UInt8} OR next_at <= fromUnixTimestamp64Milli({now:Int64}))
     ORDER BY changed_ms, change_id
     LIMIT {limit:UInt32}`,
    { targetId, since, all: now === Number.POSITIVE_INFINITY ? 1 : 0, now: Number.isFinite(now) ? now : 0, limit },
  );
  return rows.map((row) => ({
    changeId: row.change_id,
    changedAt: Number(row.changed_ms),
    plannedAt: Number(row.planned_ms),
    attempts: Number(row.attempts),
  }));
}

interface DeliveryRow {
  change_id: string;
  target_id: string;
  changed_ms: string;
  planned_ms: string;
  attempt: number;
  at_ms: string;
  outcome: DeliveryOutcome;
  status: number;
  detail: string;
  next_ms: string | null;
  duration_ms: number;
}

/** All that is on record of some changes, attempt by attempt; changes that nobody wanted have one row without a target. */
export async function deliveriesOf(clickhouse: ClickHouse, changeIds: readonly string[]): Promise<Delivery[]> {
  const rows = await clickhouse.query<DeliveryRow>(
    `SELECT change_id, target_id, attempt, outcome, status, detail, duration_ms,
            toUnixTimestamp64Milli(changed_at) AS changed_ms,
            toUnixTimestamp64Milli(planned_at) AS planned_ms,
            toUnixTimestamp64Milli(at) AS at_ms,
            toUnixTimestamp64Milli(next_attempt_at) AS next_ms
     FROM alert_deliveries
     WHERE change_id IN {changeIds:Array(String)}
     ORDER BY changed_at, change_id, target_id, attempt, at`,
    { changeIds: [...changeIds] },
  );
  return rows.map((row) => ({
    changeId: row.change_id,
    targetId: row.target_id,
    changedAt: Number(row.changed_ms),
    plannedAt: Number(row.planned_ms),
    attempt: row.attempt,
    at: Number(row.at_ms),
    outcome: row.outcome,
    status: row.status,
    detail: row.detail,
    nextAttemptAt: row.next_ms === null ? null : Number(row.next_ms),
    durationMs: row.duration_ms,
  }));
}
