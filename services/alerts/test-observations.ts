/**
 * Observations for tests, worked out from lines and usage with the functions that operation uses.
 */
import {
  addDays,
  type Day,
  type DayUsage,
  entitlementsOn,
  interactionAllowance,
  type LicenceLine,
  licenceYear,
  monthOf,
  monthOutlook,
  quotaOf,
  trueUp,
} from '@tally/metering';
import type { Finding } from './finding.ts';
import type { OperatorObservation, TenantObservation } from './observation.ts';

/** The day's last second. */
export function endOf(day: Day): number {
  return Date.parse(`${day}T23:59:59Z`);
}

/** Lines in packs of one, so that tests say how much is owned. */
export function people(packSize: number, startsOn: Day, endsOn: Day | null = null): LicenceLine {
  return { sku: 'ci-interacted-people-t1', quantity: 1, packSize, startsOn, endsOn };
}

export function unifiedPeople(packSize: number, startsOn: Day, endsOn: Day | null = null): LicenceLine {
  return { sku: 'ci-unified-people', quantity: 1, packSize, startsOn, endsOn };
}

interface Usage {
  on: Day;
  lines?: readonly LicenceLine[];
  /** Interactions by day. */
  days?: readonly DayUsage[];
  engaged?: number;
  engagedReachedOn?: Day | null;
  /** Left out: never published. */
  unified?: number;
  unifiedReachedOn?: Day | null;
  /** First day of the licence year; left out or null: none. */
  year?: Day | null;
  /** Milliseconds since 1970-01-01 UTC; default: the end of the day. */
  at?: number;
}

export function tenantSeen(usage: Usage): TenantObservation {
  const { on, lines = [], days = [], engaged = 0, unified, year = null, at = endOf(on) } = usage;
  const month = monthOf(on);
  const inMonth = days.filter(({ day }) => monthOf(day) === month);
  const oldest = addDays(on, -63);
  const owned = interactionAllowance(lines, month);
  const { engagedPeople: ownedEngaged, unifiedPeople: ownedUnified } = entitlementsOn(lines, on);
  const used = inMonth.reduce((sum, { total }) => sum + total, 0);
  return {
    tenantId: 'contoso',
    at,
    lines,
    interactions: { month, ...quotaOf(owned, used), ...monthOutlook({ month, days: inMonth, owned, on, today: on }) },
    engagedPeople: { ...quotaOf(ownedEngaged, engaged), reachedOn: usage.engagedReachedOn ?? null },
    unifiedPeople: {
      ...quotaOf(ownedUnified, unified ?? 0),
      reachedOn: usage.unifiedReachedOn ?? null,
      known: unified !== undefined,
    },
    days: days.filter(({ day }) => day >= oldest && day <= on),
    trueUp: year === null ? null : { ...trueUp(lines, yearUsage(days, year)), licenceYear: licenceYear(year) },
  };
}

function yearUsage(days: readonly DayUsage[], year: Day) {
  const { firstMonth, lastMonth } = licenceYear(year);
  const months = Map.groupBy(days, ({ day }) => monthOf(day));
  const interactions = [...months]
    .filter(([month]) => month >= firstMonth && month <= lastMonth)
    .map(([month, of]) => ({ month, total: of.reduce((sum, { total }) => sum + total, 0) }));
  return { interactions, engaged: [], unified: [] };
}

/** All is well. */
export function pipelineSeen(on: Day, seen: Partial<OperatorObservation> = {}): OperatorObservation {
  const at = endOf(on);
  return {
    tenantId: null,
    at,
    lag: [{ topic: 'interactions', records: 0, oldestAgeSeconds: null }],
    deadLetters: { number: 0, records: 0 },
    figures: { lastSuccessAt: at, meters: [{ meter: 'engaged', freshAt: at }] },
    ledger: { partitions: 3, unbalanced: [] },
    expiry: [{ topic: 'interactions', unread: 0, firstExpiresAt: null }],
    statements: { missing: 0, oldestMonth: null, dueSince: null },
    ...seen,
  };
}

/** What a rule found, by subject, without its words. */
export function briefly(findings: readonly Finding[], rule: string) {
  return findings
    .filter((finding) => finding.rule === rule)
    .map(({ subject, period, value, severity }) => ({ subject, period, value, severity }));
}
