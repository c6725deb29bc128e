/**
 * Monthly interactions: the cardinality of the positions counted and not taken back. (Rules: "Monthly interactions".)
 */
import { addDays, addToMonth, firstDayOf, type Month, type PolicyTimeline } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Channel } from '@tally/schemas';
import { countedDays } from './policy-sql.ts';

export interface MonthlyInteractions {
  month: Month;
  total: number;
  /** Channels with at least one interaction. */
  byChannel: Partial<Record<Channel, number>>;
  byEnvironment: Record<string, number>;
}

const monthsSql = (counted: string): string => `
  SELECT
    toString(toYYYYMM(day)) AS month, environment_id, channel,
    bitmapAndnotCardinality(groupBitmapMergeState(counted), groupBitmapMergeState(voided)) AS count
  FROM daily_interactions
  WHERE tenant_id = {tenantId:String} AND day >= {first:Date} AND day <= {last:Date} AND ${counted}
  GROUP BY month, environment_id, channel
  HAVING count > 0
  ORDER BY month, environment_id, channel`;

/** A tenant's months from `from` to `to`, both included; every month of the range is in the answer. */
export async function monthlyInteractions(
  clickhouse: ClickHouse,
  range: { tenantId: string; from: Month; to: Month; policies: PolicyTimeline },
): Promise<MonthlyInteractions[]> {
  const { tenantId, from, to, policies } = range;
  const days = { first: firstDayOf(from), last: addDays(firstDayOf(addToMonth(to, 1)), -1) };
  const counted = countedDays(policies, days);
  const rows = await clickhouse.query<{ month: string; environment_id: string; channel: Channel; count: string }>(
    monthsSql(counted.sql),
    { tenantId, ...days, ...counted.params },
  );
  const months = new Map<Month, MonthlyInteractions>();
  for (let month = from; month <= to; month = addToMonth(month, 1)) {
    months.set(month, { month, total: 0, byChannel: {}, byEnvironment: {} });
  }
  for (const row of rows) {
    const figure = months.get(`${row.month.slice(0, 4)}-${row.month.slice(4)}`);
    if (!figure) continue;
    const count = Number(row.count);
    figure.total += count;
    figure.byChannel[row.channel] = (figure.byChannel[row.channel] ?? 0) + count;
    figure.byEnvironment[row.environment_id] = (figure.byEnvironment[row.environment_id] ?? 0) + count;
  }
  return [...months.values()];
}

/** The first and the last month in which a tenant has a counted interaction, or undefined. */
export async function monthsWithInteractions(
  clickhouse: ClickHouse,
  tenantId: string,
): Promise<{ from: Month; to: Month } | undefined> {
  const { from, to, days } = await clickhouse.queryOne<{ from: string; to: string; days: string }>(
    'SELECT min(day) AS from, max(day) AS to, count() AS days FROM daily_interactions WHERE tenant_id = {tenantId:String}',
    { tenantId },
  );
  return days === '0' ? undefined : { from: from.slice(0, 7), to: to.slice(0, 7) };
}
