/**
 * What tenants look like at a moment, many at once: their licences, what was published of them, and their days.
 */
import type { TenantObservation } from '@tally/alerts';
import {
  dailyInteractionsOf,
  newestLicences,
  type PublishedTotals,
  policyStarts,
  publishedTotals,
} from '@tally/figures';
import {
  addDays,
  addMonths,
  type Day,
  type DayUsage,
  dayOf,
  entitlementsOn,
  firstDayOf,
  interactionAllowance,
  type LicenceLine,
  lastDayOf,
  licenceYear,
  licenceYearOn,
  monthOf,
  monthOutlook,
  PACE_DAYS,
  type PolicyStart,
  peopleReachedOn,
  policyDecided,
  quotaOf,
  timelineOf,
  trueUp,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';

/** Nine weeks: see TenantObservation. */
const HISTORY_DAYS = 63;
const YEAR_MONTHS = 12;

/** Tenants of which nothing is known are left out. */
export async function observeTenants(
  clickhouse: ClickHouse,
  { tenants, now }: { tenants: readonly string[]; now: number },
): Promise<TenantObservation[]> {
  const today = dayOf(now);
  const [licences, decisions, totals] = await Promise.all([
    newestLicences(clickhouse, tenants),
    policyStarts(clickhouse, tenants),
    // A licence year may have begun twelve months ago, in the middle of a month.
    publishedTotals(clickhouse, { tenants, from: firstDayOf(monthOf(addMonths(today, -YEAR_MONTHS))), to: today }),
  ]);
  // What is told of tomorrow already is in the month's figure.
  const to = lastDayOf(monthOf(today));
  const days = await daysOf(clickhouse, { tenants, decisions, from: addDays(today, -HISTORY_DAYS), to });
  return tenants.map((tenantId) =>
    observationOf(tenantId, now, {
      lines: licences.get(tenantId)?.lines ?? [],
      published: totals.get(tenantId) ?? { interactions: [], engaged: [], unified: [] },
      days: days.get(tenantId) ?? [],
    }),
  );
}

/**
 * A tenant as it was at the end of each day from one to another, both included, as far as is known now: licences that were
 * entered late were there in time, and so was what came late.
 */
export async function observePast(
  clickhouse: ClickHouse,
  { tenantId, from, to }: { tenantId: string; from: Day; to: Day },
): Promise<TenantObservation[]> {
  const tenants = [tenantId];
  const [licences, decisions, totals] = await Promise.all([
    newestLicences(clickhouse, tenants),
    policyStarts(clickhouse, tenants),
    publishedTotals(clickhouse, { tenants, from: firstDayOf(monthOf(addMonths(from, -YEAR_MONTHS))), to }),
  ]);
  const days = (await daysOf(clickhouse, { tenants, decisions, from: addDays(from, -HISTORY_DAYS), to })).get(tenantId);
  const lines = licences.get(tenantId)?.lines ?? [];
  const published = totals.get(tenantId) ?? { interactions: [], engaged: [], unified: [] };
  const observations: TenantObservation[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const upTo = <Item extends { period: Day }>(items: readonly Item[]): Item[] =>
      items.filter(({ period }) => period <= day);
    const earliest = addDays(day, -HISTORY_DAYS);
    const dayEnd = Date.parse(`${day}T23:59:59.999Z`);
    observations.push(
      observationOf(tenantId, dayEnd, {
        lines,
        published: {
          interactions: upTo(published.interactions),
          engaged: upTo(published.engaged),
          unified: upTo(published.unified),
        },
        days: (days ?? []).filter((one) => one.day >= earliest && one.day <= day),
      }),
    );
  }
  return observations;
}

interface Known {
  lines: readonly LicenceLine[];
  published: PublishedTotals;
  /** Also of days to come. */
  days: readonly DayUsage[];
}

function observationOf(tenantId: string, now: number, { lines, published, days }: Known): TenantObservation {
  const today = dayOf(now);
  const month = monthOf(today);
  const owned = interactionAllowance(lines, month);
  const ofMonth = days.filter(({ day }) => monthOf(day) === month);
  const used = ofMonth.reduce((sum, { total }) => sum + total, 0);
  // The first figure is of the day of the first interaction: nobody was engaged before.
  const engaged = withoutGaps(published.engaged, today, PACE_DAYS);
  const unified = withoutGaps(published.unified, today);
  const people = (curve: readonly DayUsage[], ownedOn: (day: Day) => number): TenantObservation['engagedPeople'] => ({
    ...quotaOf(ownedOn(today), curve.at(-1)?.total ?? 0),
    reachedOn: peopleReachedOn(curve.slice(-1 - PACE_DAYS), ownedOn),
  });
  return {
    tenantId,
    at: now,
    lines,
    interactions: {
      month,
      ...quotaOf(owned, used),
      ...monthOutlook({ month, days: ofMonth, owned, on: today, today }),
    },
    engagedPeople: people(engaged, (day) => entitlementsOn(lines, day).engagedPeople),
    unifiedPeople: {
      ...people(unified, (day) => entitlementsOn(lines, day).unifiedPeople),
      known: unified.length > 0,
    },
    days: days.filter(({ day }) => day <= today),
    trueUp: yearSoFar(lines, { today, engaged, unified, published }),
  };
}

function yearSoFar(
  lines: readonly LicenceLine[],
  known: { today: Day; engaged: readonly DayUsage[]; unified: readonly DayUsage[]; published: PublishedTotals },
): TenantObservation['trueUp'] {
  const year = licenceYearOn(lines, known.today);
  if (year === null) return null;
  const { from, until } = year;
  const since = (days: readonly DayUsage[]): DayUsage[] => days.filter(({ day }) => day >= from);
  // The month in which the next year begins is that one's, also on the days before.
  const { firstMonth, lastMonth } = licenceYear(from);
  const months = known.published.interactions
    .map(({ period, total }) => ({ month: monthOf(period), total }))
    .filter(({ month }) => month >= firstMonth && month <= lastMonth);
  const figures = trueUp(lines, {
    engaged: since(known.engaged),
    interactions: months,
    unified: since(known.unified),
  });
  return { interactions: figures.interactions, peopleToBuy: figures.peopleToBuy, licenceYear: { from, until } };
}

/**
 * Every day from the first that has a figure up to today; a day without one has that of the day before.
 * @param daysBefore the first one, on which there was nobody
 */
function withoutGaps(published: readonly { period: Day; total: number }[], today: Day, daysBefore = 0): DayUsage[] {
  const days: DayUsage[] = [];
  let at = 0;
  let total = 0;
  const [first] = published;
  if (!first) return [];
  for (let day = addDays(first.period, -daysBefore); day <= today; day = addDays(day, 1)) {
    const own = published[at];
    if (own?.period === day) {
      total = own.total;
      at++;
    }
    days.push({ day, total });
  }
  return days;
}

/** In a query for all tenants under the same policies. */
async function daysOf(
  clickhouse: ClickHouse,
  asked: { tenants: readonly string[]; decisions: ReadonlyMap<string, readonly PolicyStart[]>; from: Day; to: Day },
): Promise<Map<string, DayUsage[]>> {
  const { tenants, decisions, from: first, to: last } = asked;
  const groups = Map.groupBy(tenants, (tenantId) => JSON.stringify(policyDecided(decisions.get(tenantId) ?? [])));
  const all = new Map<string, DayUsage[]>();
  for (const together of groups.values()) {
    const policies = timelineOf(decisions.get(together[0] ?? '') ?? []);
    const days = await dailyInteractionsOf(clickhouse, { tenants: together, policies, first, last });
    for (const [tenantId, own] of days) all.set(tenantId, own);
  }
  return all;
}
