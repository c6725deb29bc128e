/**
 * What the tables say in the end of changes and deliveries.
 */
import { type AlertChange, alertChange } from '@tally/alerts';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface StoredChange {
  change: AlertChange;
  told: boolean;
  /** Documents that were ever written under its id. */
  documents: number;
}

/** Changes of tenants' alerts. */
export async function storedChanges(clickhouse: ClickHouse): Promise<StoredChange[]> {
  const rows = await clickhouse.query<{ one: string; was_told: number; documents: string }>(
    `SELECT any(document) AS one, max(told) AS was_told, uniqExact(document) AS documents
     FROM alert_changes WHERE tenant_id != '' GROUP BY change_id`,
  );
  return rows.map(({ one, was_told, documents }) => ({
    change: alertChange.parse(JSON.parse(one)),
    told: was_told === 1,
    documents: Number(documents),
  }));
}

export interface StoredDelivery {
  changeId: string;
  targetId: string;
  /** Attempts on record. */
  attempts: number;
  /** Records of success: one, once it is delivered. */
  delivered: number;
  /** When the success was recorded, by ClickHouse's clock, milliseconds since 1970-01-01 UTC. */
  deliveredAt: number;
}

/** Of changes of tenants' alerts. */
export async function storedDeliveries(clickhouse: ClickHouse): Promise<StoredDelivery[]> {
  const rows = await clickhouse.query<Record<'change_id' | 'target_id' | 'attempts' | 'delivered' | 'at', string>>(
    `SELECT change_id, target_id, countIf(attempt > 0) AS attempts, countIf(outcome = 'delivered') AS delivered,
       toUnixTimestamp64Milli(maxIf(written_at, outcome = 'delivered')) AS at
     FROM alert_deliveries
     WHERE change_id IN (SELECT change_id FROM alert_changes WHERE tenant_id != '')
     GROUP BY change_id, target_id`,
  );
  return rows.map(({ change_id, target_id, attempts, delivered, at }) => ({
    changeId: change_id,
    targetId: target_id,
    attempts: Number(attempts),
    delivered: Number(delivered),
    deliveredAt: Number(at),
  }));
}

/** Deliveries for which something is still to follow. */
export async function openDeliveries(clickhouse: ClickHouse): Promise<number> {
  const { open } = await clickhouse.queryOne<{ open: string }>(
    `SELECT count() AS open
     FROM
     (
       SELECT argMax(tuple(next_attempt_at), tuple(attempt, at)) AS next
       FROM alert_deliveries GROUP BY change_id, target_id
     )
     WHERE tupleElement(next, 1) IS NOT NULL`,
  );
  return Number(open);
}
