/**
 * Which tenants a look is about: those of which something was published or decided since the last one, or whose silence is
 * about to end; all of them once an
 * hour, since pace and history move on by themselves.
 */
import { tenantsOnRecord } from '@tally/figures';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

/** How long what was computed may take to become visible, milliseconds: a run of the aggregator writes at its end. */
const LATE_MS_MAX = 600_000;
const MS_PER_HOUR = 3_600_000;

const CHANGED = `
  SELECT DISTINCT tenant_id
  FROM
  (
    SELECT tenant_id FROM snapshots WHERE computed_at >= {since:DateTime64(3)}
    UNION ALL SELECT tenant_id FROM licences WHERE changed_at >= {since:DateTime64(3)}
    UNION ALL SELECT tenant_id FROM alert_rules WHERE changed_at >= {since:DateTime64(3)}
    UNION ALL SELECT tenant_id FROM alert_silences WHERE changed_at >= {since:DateTime64(3)}
    UNION ALL SELECT tenant_id FROM alert_acknowledgements WHERE at >= {since:DateTime64(3)}
    UNION ALL SELECT tenant_id FROM alert_silences WHERE JSONExtractString(document, 'until') >= {sinceText:String}
  )
  WHERE tenant_id != ''
  ORDER BY tenant_id`;

/** @param lastAt when the last look that succeeded began, milliseconds since 1970-01-01 UTC */
export async function tenantsToWatch(
  clickhouse: ClickHouse,
  { now, lastAt }: { now: number; lastAt: number | undefined },
): Promise<{ tenants: string[]; all: boolean }> {
  const all = lastAt === undefined || Math.floor(lastAt / MS_PER_HOUR) !== Math.floor(now / MS_PER_HOUR);
  const since = Math.max(0, (lastAt ?? 0) - LATE_MS_MAX);
  if (all) return { tenants: await tenantsOnRecord(clickhouse), all };
  const params = { since: dateTime64(since), sinceText: new Date(since).toISOString() };
  const rows = await clickhouse.query<{ tenant_id: string }>(CHANGED, params);
  return { tenants: rows.map(({ tenant_id }) => tenant_id), all };
}
