/**
 * What a page of one tenant's quotas asks, and the curve of a year.
 */
import { engagedCurve, engagedPeople, monthlyInteractions, newestSnapshots } from '@tally/figures';
import { addDays, addMonths, addToMonth, always, type Day, monthOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface TenantQuery {
  name: string;
  ask(): Promise<unknown>;
}

/** Each is asked by itself, one after the other, as the page's parts are. */
export function quotaPageQueries(clickhouse: ClickHouse, tenantId: string, today: Day): TenantQuery[] {
  const month = monthOf(today);
  const policies = always();
  const months = (from: string) => monthlyInteractions(clickhouse, { tenantId, from, to: month, policies });
  return [
    { name: 'interactions of the month', ask: () => months(month) },
    { name: 'interactions of 12 months', ask: () => months(addToMonth(month, -11)) },
    { name: 'engaged people today', ask: () => engagedPeople(clickhouse, { tenantId, day: today, policies }) },
    { name: 'unified people, snapshot', ask: () => newestSnapshots(clickhouse, 'unified', tenantId) },
  ];
}

/** Every day of the year up to today. */
export function yearCurve(clickhouse: ClickHouse, tenantId: string, today: Day): TenantQuery {
  const from = addDays(addMonths(today, -12), 1);
  return {
    name: 'engaged people, every day of a year',
    ask: () => engagedCurve(clickhouse, { tenantId, from, to: today, policies: always() }),
  };
}
