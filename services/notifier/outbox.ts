/**
 * The outbox: changes of alerts that were written by whoever evaluates them, and wait to be told.
 */
import { randomUUID } from 'node:crypto';
import { type AlertChange, alertChange } from '@tally/alerts';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { recordDeliveries } from './deliveries.ts';
import type { Message } from './told.ts';

export interface OutboxChange {
  changeId: string;
  /** When it happened, milliseconds since 1970-01-01 UTC. */
  at: number;
  /** Null when what was written is no change of an alert. */
  message: Message | null;
}

interface Row {
  change_id: string;
  at_ms: string;
  document: string;
}

/** A test is decided at most so long before it is written, milliseconds. */
const DECIDED_BEFORE_MS_MAX = 60 * 60_000;

/** ClickHouse's clock, milliseconds since 1970-01-01 UTC. */
export async function serverNow(clickhouse: ClickHouse): Promise<number> {
  const { now } = await clickhouse.queryOne<{ now: string }>('SELECT toUnixTimestamp64Milli(now64(3)) AS now');
  return Number(now);
}

/**
 * Changes of which it is not decided yet who is told, oldest first.
 * @param writtenSince by ClickHouse's clock, milliseconds: all that was written earlier is decided
 */
export async function undecidedChanges(
  clickhouse: ClickHouse,
  { writtenSince, limit }: { writtenSince: number; limit: number },
): Promise<OutboxChange[]> {
  // A decision is written after its change, by the same clock; but for tests, which are decided first.
  const rows = await clickhouse.query<Row>(
    `SELECT change_id, toUnixTimestamp64Milli(at) AS at_ms, document
     FROM alert_changes
     WHERE told = 1
       AND written_at >= fromUnixTimestamp64Milli({writtenSince:Int64})
       AND change_id NOT IN (
         SELECT change_id FROM alert_deliveries
         WHERE attempt = 0 AND written_at >= fromUnixTimestamp64Milli({decidedSince:Int64})
       )
     ORDER BY at, change_id
     LIMIT 1 BY change_id
     LIMIT {limit:UInt32}`,
    { writtenSince, decidedSince: Math.max(0, writtenSince - DECIDED_BEFORE_MS_MAX), limit },
  );
  return rows.map(toChange);
}

/** Some changes by their ids; absent where there is none. */
export async function changesOf(
  clickhouse: ClickHouse,
  changeIds: readonly string[],
): Promise<Map<string, OutboxChange>> {
  const rows = await clickhouse.query<Row>(
    `SELECT change_id, toUnixTimestamp64Milli(at) AS at_ms, document
     FROM alert_changes
     WHERE change_id IN {changeIds:Array(String)}
     LIMIT 1 BY change_id`,
    { changeIds: [...changeIds] },
  );
  return new Map(rows.map((row) => [row.change_id, toChange(row)]));
}

function toChange({ change_id, at_ms, document }: Row): OutboxChange {
  return { changeId: change_id, at: Number(at_ms), message: messageFrom(change_id, document) };
}

function messageFrom(changeId: string, document: string): Message | null {
  try {
    const change = alertChange.parse(JSON.parse(document));
    return change.id === changeId ? { change, document } : null;
  } catch {
    return null;
  }
}

/** Puts a change that is only to try a target out into the outbox, for that target alone. Returns the change's id. */
export async function requestTest(
  clickhouse: ClickHouse,
  { targetId, now, by }: { targetId: string; now: number; by: string },
): Promise<string> {
  const change = testChange(now, by);
  // 1. Who is told, so that no other target ever is. A crash after it leaves a delivery of nothing, which is given up.
  const decision = { changeId: change.id, targetId, changedAt: now, plannedAt: now, attempt: 0, at: now } as const;
  await recordDeliveries(clickhouse, [
    { ...decision, outcome: 'waiting', status: 0, detail: 'a test', nextAttemptAt: now, durationMs: 0 },
  ]);
  // 2. What.
  await clickhouse.insert('alert_changes', [
    {
      change_id: change.id,
      alert_id: change.alert.id,
      tenant_id: '',
      at: dateTime64(now),
      document: JSON.stringify(change),
      told: 1,
    },
  ]);
  return change.id;
}

function testChange(now: number, by: string): AlertChange {
  const at = new Date(now).toISOString();
  const id = `test-${randomUUID()}`;
  return {
    id,
    change: 'opened',
    at,
    alert: {
      id,
      tenantId: null,
      rule: 'test',
      subject: 'test',
      period: at.slice(0, 10),
      state: 'open',
      severity: 'info',
      highestSeverity: 'info',
      openedAt: at,
      resolvedAt: null,
      value: 0,
      threshold: 0,
      unit: 'none',
      title: 'A test of where alerts are told',
      detail: `Asked for by ${by}; nothing is wrong, and nothing is to be done.`,
      figures: {},
    },
  };
}
