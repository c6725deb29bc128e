/**
 * Monthly interactions: the cardinality of the positions counted and not taken back. (Rules: "Monthly interactions".)
 */
import {
  addTo,
  addToMonth,
  byId,
  type Day,
  firstDayOf,
  lastDayOf,
  type Month,
  type PolicyTimeline,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { CHANNELS, type Channel } from '@tally/schemas';
import { countsOfShards } from './of-shards.ts';
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
    tenant_id, toString(toYYYYMM(day)) AS month, environment_id, channel,
    bitmapAndnotCardinality(groupBitmapMergeState(counted), groupBitmapMergeState(voided)) AS count
  FROM daily_interactions
  WHERE tenant_id IN {tenants:Array(String)} AND day >= {first:Date} AND day <= {last:Date} AND ${counted}
  GROUP BY tenant_id, month, environment_id, channel
  HAVING count > 0
  ORDER BY month, environment_id, channel`;

interface Months {
  from: Month;
  to: Month;
  policies: PolicyTimeline;
}

/** A tenant's months from `from` to `to`, both included; every month of the range is in the answer. */
export async function monthlyInteractions(
  clickhouse: ClickHouse,
  { tenantId, ...range }: Months & { tenantId: string },
): Promise<MonthlyInteractions[]> {
  const months = await monthlyInteractionsOf(clickhouse, { tenants: [tenantId], ...range });
  return months.get(tenantId) ?? [];
}

/** The months of several tenants under the same policies, in one query; each as by `monthlyInteractions`. */
export async function monthlyInteractionsOf(
  clickhouse: ClickHouse,
  { tenants, from, to, policies }: Months & { tenants: readonly string[] },
): Promise<Map<string, MonthlyInteractions[]>> {
  const days = { first: firstDayOf(from), last: lastDayOf(to) };
  const counted = countedDays(policies, days);
  const rows = await countsOfShards<MonthRow>(
    clickhouse,
    { sql: monthsSql(counted.sql), params: { tenants: [...tenants], ...days, ...counted.params } },
    { month: 'ascending', environment_id: 'ascending', channel: CHANNELS, tenant_id: 'ascending' },
  );
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map(tenants.map((tenantId) => [tenantId, monthsOfRange(byTenant.get(tenantId) ?? [], { from, to })]));
}

interface MonthRow {
  tenant_id: string;
  month: string;
  environment_id: string;
  channel: Channel;
  count: string;
}

function monthsOfRange(rows: readonly MonthRow[], { from, to }: { from: Month; to: Month }): MonthlyInteractions[] {
  const months = new Map<Month, MonthlyInteractions>();
  for (let month = from; month <= to; month = addToMonth(month, 1)) {
    months.set(month, { month, total: 0, byChannel: {}, byEnvironment: byId() });
  }
  for (const row of rows) {
    const figure = months.get(`${row.month.slice(0, 4)}-${row.month.slice(4)}`);
    if (!figure) continue;
    const count = Number(row.count);
    figure.total += count;
    figure.byChannel[row.channel] = (figure.byChannel[row.channel] ?? 0) + count;
    addTo(figure.byEnvironment, row.environment_id, count);
  }
  return [...months.values()];
}

export interface DailyInteractions {
  day: Day;
  total: number;
  byEnvironment: Record<string, number>;
}

const daysSql = (counted: string): string => `
  SELECT
    tenant_id, toString(day) AS of_day, environment_id,
    bitmapAndnotCardinality(groupBitmapMergeState(counted), groupBitmapMergeState(voided)) AS count
  FROM daily_interactions
  WHERE tenant_id IN {tenants:Array(String)} AND day >= {first:Date} AND day <= {last:Date} AND ${counted}
  GROUP BY tenant_id, day, environment_id
  HAVING count > 0
  ORDER BY tenant_id, day, environment_id`;

interface DayRow {
  tenant_id: string;
  of_day: Day;
  environment_id: string;
  count: string;
}

interface Days {
  first: Day;
  last: Day;
  policies: PolicyTimeline;
}

/** A tenant's days from `first` to `last`, both included, that have any interaction; they add up to their months. */
export async function dailyInteractions(
  clickhouse: ClickHouse,
  { tenantId, ...range }: Days & { tenantId: string },
): Promise<DailyInteractions[]> {
  return (await dailyInteractionsOf(clickhouse, { tenants: [tenantId], ...range })).get(tenantId) ?? [];
}

/** The days of several tenants under the same policies, in one query; each as by `dailyInteractions`. */
export async function dailyInteractionsOf(
  clickhouse: ClickHouse,
  { tenants, first, last, policies }: Days & { tenants: readonly string[] },
): Promise<Map<string, DailyInteractions[]>> {
  const counted = countedDays(policies, { first, last });
  const params = { tenants: [...tenants], first, last, ...counted.params };
  const rows = await countsOfShards<DayRow>(
    clickhouse,
    { sql: daysSql(counted.sql), params },
    { tenant_id: 'ascending', of_day: 'ascending', environment_id: 'ascending' },
  );
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map([...byTenant].map(([tenantId, rows]) => [tenantId, daysOf(rows)]));
}

function daysOf(rows: readonly DayRow[]): DailyInteractions[] {
  const days = new Map<Day, DailyInteractions>();
  for (const { of_day: day, environment_id, count } of rows) {
    const figure = days.get(day) ?? { day, total: 0, byEnvironment: byId<number>() };
    figure.total += Number(count);
    figure.byEnvironment[environment_id] = Number(count);
    days.set(day, figure);
  }
  return [...days.values()];
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
