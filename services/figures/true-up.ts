/**
 * The true-up of a tenant's licence year, from what was used up to today. (Rules: "True-up".)
 */
import {
  addDays,
  type Day,
  engagedWindow,
  licenceYear,
  licenceYearOn,
  monthOf,
  policyName,
  type TrueUp,
  trueUp,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type TenantFigures, workedOut } from './current.ts';
import { licenceVersions } from './licences.ts';
import { policyTimeline } from './policies.ts';
import { unifiedHistory } from './unified-history.ts';

export interface TenantTrueUp extends TrueUp {
  licenceYear: {
    from: Day;
    /** The first day after it. */
    until: Day;
    /** The last day that was looked at; null while none has come. */
    lookedAtUpTo: Day | null;
  };
  policy: string;
}

/**
 * Works it out by the lines on record now and the policies of each day.
 * @param figures where the tenant's are from; default: worked out
 */
export async function tenantTrueUp(
  clickhouse: ClickHouse,
  { tenantId, startsOn, today }: { tenantId: string; startsOn: Day; today: Day },
  figures: TenantFigures = workedOut(clickhouse, tenantId),
): Promise<TenantTrueUp> {
  const policies = await policyTimeline(clickhouse, tenantId);
  const [newest] = await licenceVersions(clickhouse, tenantId);
  const lines = newest?.lines ?? [];
  const { from, firstMonth, lastMonth, ...twelveMonths } = licenceYear(startsOn);
  // A licence of a 29 February has years from a 28th, one of which ends with the next 28th.
  const ofLicence = licenceYearOn(lines, startsOn);
  const until = ofLicence?.from === from ? ofLicence.until : twelveMonths.until;
  const lastDay = addDays(until, -1);
  const to = lastDay < today ? lastDay : today;
  const policy = policyName(policies, engagedWindow(from).first, lastDay);
  if (from > today) {
    const none = trueUp(lines, { engaged: [], interactions: [], unified: [] });
    return { ...none, licenceYear: { from, until, lookedAtUpTo: null }, policy };
  }
  const thisMonth = monthOf(today);
  const [engaged, interactions, unified] = await Promise.all([
    figures.engagedCurve({ policies, from, to }),
    figures.monthlyInteractions({
      policies,
      from: firstMonth,
      to: lastMonth < thisMonth ? lastMonth : thisMonth,
    }),
    unifiedHistory(clickhouse, { tenantId, from, to }),
  ]);
  return {
    ...trueUp(lines, { engaged, interactions, unified }),
    licenceYear: { from, until, lookedAtUpTo: to },
    policy,
  };
}
