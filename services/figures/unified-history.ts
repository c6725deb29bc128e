/**
 * Unified people day by day, as they were published: what was told on a day stays what was told.
 */
import { addDays, type Day } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { numbers, type UnifiedBreakdown } from './snapshots.ts';
import type { Positions } from './tenants.ts';

export interface UnifiedDay {
  day: Day;
  total: number;
  byEnvironment: Record<string, number>;
  /** When the figure was published, milliseconds since 1970-01-01 UTC; on an earlier day, where this one has none. */
  publishedAt: number;
  /** Up to where the logs were read, at least. */
  positions: Positions;
}

/** The last figure of each day of the range, and of the last day before it that has one. */
const LAST_OF_EACH_DAY = `
  SELECT tenant_id, toString(max(period)) AS day, argMax((snapshots.total, breakdown, toUnixTimestamp64Milli(computed_at), positions), (period, computed_at)) AS figure
  FROM snapshots
  WHERE tenant_id IN {tenants:Array(String)} AND meter = 'unified' AND period <= {to:Date}
  GROUP BY tenant_id, if(period <= {from:Date}, NULL, period)
  ORDER BY tenant_id, day`;

interface Row {
  tenant_id: string;
  day: Day;
  figure: [total: string, breakdown: string, at: string, positions: Record<string, string>];
}

/**
 * The figure last published on each day from `from` to `to`, both included. A day without one has the figure of the day
 * before; days before the first figure ever are left out.
 */
export async function unifiedHistory(
  clickhouse: ClickHouse,
  { tenantId, from, to }: { tenantId: string; from: Day; to: Day },
): Promise<UnifiedDay[]> {
  return (await unifiedHistories(clickhouse, { tenants: [tenantId], from, to })).get(tenantId) ?? [];
}

/** The same of several tenants. */
export async function unifiedHistories(
  clickhouse: ClickHouse,
  { tenants, from, to }: { tenants: readonly string[]; from: Day; to: Day },
): Promise<Map<string, UnifiedDay[]>> {
  const rows = await clickhouse.query<Row>(LAST_OF_EACH_DAY, { tenants: [...tenants], from, to });
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map(tenants.map((tenantId) => [tenantId, daysOf(byTenant.get(tenantId) ?? [], { from, to })]));
}

function daysOf(rows: readonly Row[], { from, to }: { from: Day; to: Day }): UnifiedDay[] {
  const days: UnifiedDay[] = [];
  let at = 0;
  let figure: Omit<UnifiedDay, 'day'> | undefined;
  for (let day = from; day <= to; day = addDays(day, 1)) {
    for (let row = rows[at]; row && row.day <= day; row = rows[++at]) figure = figureOf(row);
    if (figure) days.push({ day, ...figure });
  }
  return days;
}

function figureOf({ figure: [total, breakdown, at, positions] }: Row): Omit<UnifiedDay, 'day'> {
  const { byEnvironment } = JSON.parse(breakdown) as UnifiedBreakdown;
  return { total: Number(total), byEnvironment, publishedAt: Number(at), positions: numbers(positions) };
}
