/**
 * Who there is, and what changed: tenants and environments with the last position that concerned them.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';

/** `topic/partition` → the offset up to which everything is written. */
export type Positions = Record<string, number>;

export interface ActiveEnvironment {
  tenantId: string;
  environmentId: string;
  /** Whether the last change was a profile record or an event. */
  topic: string;
  partition: number;
  /** Offset of the last change; -1 when it was in an earlier epoch of the topic, which is over. */
  last: number;
}

const ACTIVITY = `
  SELECT
    tenant_id, environment_id, topic, partition,
    if(epoch = newest, toInt64(bitAnd(max(activity.last), 0xFFFFFFFFFF)), -1) AS last
  FROM activity
  INNER JOIN
  (
    SELECT epoch, any(logs.topic) AS topic, max(epoch) OVER (PARTITION BY topic) AS newest
    FROM logs
    GROUP BY epoch
  ) AS epochs USING (epoch)
  GROUP BY tenant_id, environment_id, topic, partition, epoch, newest
  ORDER BY tenant_id, environment_id`;

/** Every environment's last change, per partition. */
export async function activeEnvironments(clickhouse: ClickHouse): Promise<ActiveEnvironment[]> {
  const rows = await clickhouse.query<{
    tenant_id: string;
    environment_id: string;
    topic: string;
    partition: number;
    last: string;
  }>(ACTIVITY);
  return rows.map(({ tenant_id, environment_id, topic, partition, last }) => ({
    tenantId: tenant_id,
    environmentId: environment_id,
    topic,
    partition,
    last: Number(last),
  }));
}

/** All tenants that ever had a counted record, in the order of their ids. */
export async function knownTenants(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ tenant_id: string }>(
    'SELECT DISTINCT tenant_id FROM activity ORDER BY tenant_id',
  );
  return rows.map(({ tenant_id }) => tenant_id);
}
