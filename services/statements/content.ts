/**
 * Draws up a statement from usage and what is on record. Pure: the same input gives the same statement.
 */
import type { Bounds, EngagedDay, UnifiedDay } from '@tally/figures';
import {
  addTo,
  addToMonth,
  byId,
  CATALOGUE,
  type Day,
  type DayUsage,
  engagedWindow,
  entitlementsOn,
  environmentOn,
  firstDayOf,
  interactionAllowance,
  type LicenceLine,
  lastDayOf,
  licenceYearOn,
  type Month,
  type MonthUsage,
  monthOf,
  policyDecided,
  policyName,
  quotaOf,
  trueUp,
} from '@tally/metering';
import { adjustmentsOf, figuresOf, type StatedFigures, statedSoFar } from './adjustments.ts';
import type { ChainEnd } from './chain.ts';
import type { Statement, StatementContent } from './document.ts';
import type { OnRecord } from './on-record.ts';
import type { Usage } from './usage.ts';

/** The chart has so many months. */
export const YEAR_MONTHS = 12;

export interface DrawUp {
  tenantId: string;
  month: Month;
  record: OnRecord;
  /** Up to the month's last day, from `from` on. */
  usage: Usage;
  /** First day of a month, at least eleven months before this one; earlier months have not changed since they were stated. */
  from: Day;
  bounds: Bounds;
  follows: Pick<ChainEnd, 'number' | 'digest'>;
  issuedAt: number;
  issuedBy: string;
}

export function drawUp(asked: DrawUp): StatementContent {
  const { tenantId, month, record, usage, bounds, follows } = asked;
  const period = periodOf(month);
  const ofMonth = monthFigures(usage, record.licences, month);
  const name = policyName(record.policies, engagedWindow(period.firstDay).first, period.lastDay);
  return {
    format: 1,
    tenantId,
    month,
    number: follows.number + 1,
    issuedAt: new Date(asked.issuedAt).toISOString(),
    issuedBy: asked.issuedBy,
    period,
    policy: name,
    ...ofMonth,
    licenceYear: yearSoFar(usage, record.licences, month),
    adjustments: adjustmentsOf(month, statedSoFar(record.statements), knownMonths(asked)),
    year: Array.from({ length: YEAR_MONTHS }, (_, index) => {
      const of = addToMonth(month, index + 1 - YEAR_MONTHS);
      const { interactions, engagedPeople, unifiedPeople } = monthFigures(usage, record.licences, of);
      return {
        month: of,
        interactions: { used: interactions.used, owned: interactions.owned },
        engagedPeople: { used: engagedPeople.peak.used, owned: engagedPeople.peak.owned },
        unifiedPeople: { used: unifiedPeople.peak.used, owned: unifiedPeople.peak.owned },
      };
    }),
    licences: record.licences.filter((line) => touches(line, period)),
    environments: environmentsOf(ofMonth, record, period.lastDay),
    evidence: {
      positions: bounds.positions,
      epochs: bounds.epochs,
      licenceVersion: record.licenceVersion,
      catalogueVersion: CATALOGUE.version,
      policies: policyDecided(record.decisions),
      unified: unifiedEvidence(usage.unified, [ofMonth.unifiedPeople.day, ofMonth.unifiedPeople.peak.day]),
    },
    previousDigest: follows.digest,
  };
}

type Meters = Pick<Statement, 'interactions' | 'engagedPeople' | 'unifiedPeople'>;

function periodOf(month: Month): Statement['period'] {
  return { firstDay: firstDayOf(month), lastDay: lastDayOf(month) };
}

function monthFigures(usage: Usage, lines: readonly LicenceLine[], month: Month): Meters {
  const { firstDay, lastDay } = periodOf(month);
  const within = <Item extends { day: Day }>(days: readonly Item[]): Item[] =>
    days.filter(({ day }) => day >= firstDay && day <= lastDay);
  const engaged = within(usage.engaged);
  const unified = within(usage.unified);
  const { byEnvironment = {}, byEntityType = {} } = engaged.at(-1) ?? {};
  return {
    interactions: interactionFigures(within(usage.interactions), interactionAllowance(lines, month)),
    engagedPeople: {
      ...peopleFigures(engaged, (day) => entitlementsOn(lines, day).engagedPeople, lastDay),
      byEnvironment,
      byEntityType: { ...byEntityType },
    },
    unifiedPeople: {
      ...peopleFigures(unified, (day) => entitlementsOn(lines, day).unifiedPeople, lastDay),
      known: unified.length > 0,
      byEnvironment: withPeople(unified.at(-1)?.byEnvironment ?? {}),
    },
  };
}

/** A published figure also names environments whose last record was deleted; nobody is to be billed for there. */
function withPeople(byEnvironment: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(byEnvironment).filter(([, people]) => people > 0));
}

function interactionFigures(days: Usage['interactions'], owned: number): Statement['interactions'] {
  const byDay: Record<Day, number> = {};
  const byChannel: Record<string, number> = {};
  const byEnvironment = byId<number>();
  for (const { day, environmentId, channel, count } of days) {
    byDay[day] = (byDay[day] ?? 0) + count;
    byChannel[channel] = (byChannel[channel] ?? 0) + count;
    addTo(byEnvironment, environmentId, count);
  }
  let peakDay: Statement['interactions']['peakDay'] = null;
  for (const [day, used] of Object.entries(byDay)) if (used > (peakDay?.used ?? 0)) peakDay = { day, used };
  const used = Object.values(byDay).reduce((sum, count) => sum + count, 0);
  return { ...quotaOf(owned, used), peakDay, byChannel, byEnvironment };
}

/** On the month's last day, the first day with the highest figure, and the first on which most was missing. */
function peopleFigures(
  days: readonly (EngagedDay | UnifiedDay)[],
  ownedOn: (day: Day) => number,
  lastDay: Day,
): Pick<Statement['engagedPeople'], 'day' | 'peak' | 'worst' | keyof ReturnType<typeof quotaOf>> {
  const quotas = days.map(({ day, total }) => ({ day, ...quotaOf(ownedOn(day), total) }));
  const last = quotas.at(-1) ?? { day: lastDay, ...quotaOf(ownedOn(lastDay), 0) };
  let peak = quotas[0] ?? last;
  let worst: Statement['engagedPeople']['worst'] = null;
  for (const one of quotas) {
    if (one.used > peak.used) peak = one;
    if (one.overage > (worst?.overage ?? 0)) worst = one;
  }
  return { ...last, peak, worst };
}

function yearSoFar(usage: Usage, lines: readonly LicenceLine[], month: Month): Statement['licenceYear'] {
  const { lastDay } = periodOf(month);
  const year = licenceYearOn(lines, lastDay);
  if (year === null) return null;
  const { from, until } = year;
  const since = <Item extends DayUsage>(days: readonly Item[]): Item[] => days.filter(({ day }) => day >= from);
  const figures = trueUp(lines, {
    engaged: since(usage.engaged),
    interactions: monthTotals(usage, monthOf(from), month),
    unified: since(usage.unified),
  });
  return {
    from,
    until,
    engagedPeople: figures.engaged,
    interactions: figures.interactions,
    unifiedPeople: figures.unified,
    peopleToBuy: figures.peopleToBuy,
    unifiedPeopleToBuy: figures.unifiedPeopleToBuy,
  };
}

function monthTotals(usage: Usage, from: Month, to: Month): MonthUsage[] {
  const totals: MonthUsage[] = [];
  for (let month = from; month <= to; month = addToMonth(month, 1)) {
    const days = usage.interactions.filter(({ day }) => monthOf(day) === month);
    totals.push({ month, total: days.reduce((sum, { count }) => sum + count, 0) });
  }
  return totals;
}

/** Stated months of the range, as they are known now. */
function knownMonths({ month, record, usage, from }: DrawUp): Map<Month, StatedFigures> {
  const earlier = record.statements.map((statement) => statement.month).filter((one) => one < month);
  const looked = earlier.filter((one) => firstDayOf(one) >= from);
  return new Map(looked.map((one) => [one, figuresOf(monthFigures(usage, record.licences, one))]));
}

function touches({ startsOn, endsOn }: LicenceLine, { firstDay, lastDay }: Statement['period']): boolean {
  return startsOn <= lastDay && (endsOn === null || endsOn > firstDay);
}

function environmentsOf(figures: Meters, { environments }: OnRecord, on: Day): Statement['environments'] {
  const { interactions, engagedPeople, unifiedPeople } = figures;
  const used = [interactions, engagedPeople, unifiedPeople].flatMap(({ byEnvironment }) => Object.keys(byEnvironment));
  return [...new Set(used)].sort().map((id) => {
    const known = environmentOn(environments, id, on);
    return known
      ? { id, registered: true, name: known.name, type: known.type, geo: known.geo }
      : { id, registered: false };
  });
}

function unifiedEvidence(days: readonly UnifiedDay[], wanted: readonly Day[]): Statement['evidence']['unified'] {
  return days
    .filter(({ day }) => wanted.includes(day))
    .map(({ day, publishedAt, positions }) => ({ day, publishedAt: new Date(publishedAt).toISOString(), positions }));
}
