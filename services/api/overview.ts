/**
 * All tenants at a glance: a handful of queries for many of them together. Engaged people, unified people and past months
 * are as last published; this month is as it stands now.
 */
import { callerOf, covers } from '@tally/access';
import type { Severity, TenantObservation } from '@tally/alerts';
import { type PublishedTotals, publishedTotals, tenantsOnRecord } from '@tally/figures';
import { addToMonth, dayOf, firstDayOf, type Month, monthOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { observeTenants, storedAlerts } from '@tally/watch';

interface OverviewOptions {
  clickhouse: ClickHouse;
  clock: () => number;
}

/** As many as the queries' parameters carry well. */
const TENANTS_PER_BATCH = 250;
const MONTHS = 12;

type Open = Record<Severity, number>;

/**
 * `GET /v1/overview`: every tenant the caller may see, also one that has licences and no event yet, with its three quotas,
 * the last 12 months of interactions and how many alerts are open, by severity.
 */
export function addOverviewRoute(app: FastifyInstance, { clickhouse, clock }: OverviewOptions): void {
  app.get('/v1/overview', async (request) => {
    const now = clock();
    const { scope } = callerOf(request);
    const tenants = (await tenantsOnRecord(clickhouse)).filter((tenantId) => covers(scope, tenantId));
    const answered: object[] = [];
    for (let at = 0; at < tenants.length; at += TENANTS_PER_BATCH) {
      answered.push(...(await glance(clickhouse, { tenants: tenants.slice(at, at + TENANTS_PER_BATCH), now })));
    }
    return { tenants: answered, computedAt: new Date(now).toISOString() };
  });
}

async function glance(
  clickhouse: ClickHouse,
  { tenants, now }: { tenants: readonly string[]; now: number },
): Promise<object[]> {
  const month = monthOf(dayOf(now));
  const first = addToMonth(month, 1 - MONTHS);
  const [observed, totals, alerts] = await Promise.all([
    observeTenants(clickhouse, { tenants, now }),
    publishedTotals(clickhouse, { tenants, from: firstDayOf(first), to: dayOf(now) }),
    storedAlerts(clickhouse, { tenants, now }),
  ]);
  return observed.map((observation) => {
    const { tenantId, engagedPeople, interactions, unifiedPeople, trueUp } = observation;
    const open: Open = { critical: 0, warning: 0, info: 0 };
    for (const { alert } of alerts.get(tenantId) ?? []) if (alert.state === 'open') open[alert.severity]++;
    return {
      tenantId,
      engagedPeople,
      interactions,
      unifiedPeople,
      months: monthsOf(totals.get(tenantId), observation, first),
      alerts: open,
      peopleToBuy: trueUp?.peopleToBuy ?? null,
    };
  });
}

/** Twelve months, the last of which is not over; those without a figure have none. */
function monthsOf(
  published: PublishedTotals | undefined,
  { interactions }: TenantObservation,
  first: Month,
): { month: Month; total: number }[] {
  const known = new Map((published?.interactions ?? []).map(({ period, total }) => [monthOf(period), total]));
  known.set(interactions.month, interactions.used);
  return Array.from({ length: MONTHS }, (_, index) => {
    const month = addToMonth(first, index);
    return { month, total: known.get(month) ?? 0 };
  });
}
