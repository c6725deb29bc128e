/**
 * Unified people day by day, as they were published: what was told on a day stays what was told.
 */
import { addDays, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { UnifiedBreakdown } from './snapshots.ts';

export interface UnifiedDay {
  day: Day;
  total: number;
  byEnvironment: Record<string, number>;
}

/** The last figure of each day, and of the last day before the range that has one. */
const LAST_OF_EACH_DAY = `
  SELECT toString(period) AS day, argMax(snapshots.total, computed_at) AS total, argMax(breakdown, computed_at) AS parts
  FROM snapshots
  WHERE tenant_id = {tenantId:String} AND meter = 'unified' AND period <= {to:Date}
    AND period >=
    (
      SELECT max(period) FROM snapshots
      WHERE tenant_id = {tenantId:String} AND meter = 'unified' AND period <= {from:Date}
    )
  GROUP BY period
  ORDER BY period`;

/**
 * The figure last published on each day from `from` to `to`, both included. A day without one has the figure of the day
 * before; days before the first figure ever are left out.
 */
export async function unifiedHistory(
  clickhouse: ClickHouse,
  { tenantId, from, to }: { tenantId: string; from: Day; to: Day },
): Promise<UnifiedDay[]> {
  const rows = await clickhouse.query<{ day: Day; total: string; parts: string }>(LAST_OF_EACH_DAY, {
    tenantId,
    from,
    to,
  });
  const days: UnifiedDay[] = [];
  let at = 0;
  let figure: Omit<UnifiedDay, 'day'> | undefined;
  for (let day = from; day <= to; day = addDays(day, 1)) {
    for (let row = rows[at]; row && row.day <= day; row = rows[++at]) {
      const { byEnvironment } = JSON.parse(row.parts) as UnifiedBreakdown;
      figure = { total: Number(row.total), byEnvironment };
    }
    if (figure) days.push({ day, ...figure });
  }
  return days;
}
