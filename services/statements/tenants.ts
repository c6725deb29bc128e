/**
 * Tenants of which anything is known: an event, a profile or a licence.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';

/** Their ids, ascending. */
export async function tenantsOnRecord(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ tenant_id: string }>(
    `SELECT DISTINCT tenant_id
     FROM (SELECT tenant_id FROM activity UNION ALL SELECT tenant_id FROM licences)
     ORDER BY tenant_id`,
  );
  return rows.map(({ tenant_id }) => tenant_id);
}

export async function tenantIsKnown(clickhouse: ClickHouse, tenantId: string): Promise<boolean> {
  const { known } = await clickhouse.queryOne<{ known: string }>(
    `SELECT count() AS known
     FROM
     (
       SELECT 1 FROM activity WHERE tenant_id = {tenantId:String} LIMIT 1
       UNION ALL
       SELECT 1 FROM licences WHERE tenant_id = {tenantId:String} LIMIT 1
     )`,
    { tenantId },
  );
  return known !== '0';
}
