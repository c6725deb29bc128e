/**
 * What quotas and true-ups must say of a tenant with simulated licences. It follows LICENSING.md and shares no code with
 * the pipeline: what a line grants is written down once more, and every day and month is looked at.
 */
import { dayText, firstDayOf, monthOf, monthText, parseDay } from './calendar.ts';
import type { LicensedTenant, SimulatedLine } from './licences.ts';
import type { Truth } from './truth.ts';

export interface QuotaFigures {
  owned: number;
  used: number;
  remaining: number;
  overage: number;
  share: number | null;
}

type Meter = 'engagedPeople' | 'interactions' | 'unifiedPeople';

export type TenantQuotaFigures = Record<Meter, QuotaFigures> & {
  /** Those with usage: what each used, and what the others did. */
  environments: Record<string, Record<Meter, { used: number; others: number }>>;
};

interface PeakOfDays {
  peak: number;
  peakDay: string | null;
  shortfall: number;
  shortfallDay: string | null;
}

export interface TrueUpFigures {
  engaged: PeakOfDays;
  interactions: { peak: number; peakMonth: string | null; shortfallPeople: number; shortfallMonth: string | null };
  unified: PeakOfDays;
  peopleToBuy: number;
  unifiedPeopleToBuy: number;
}

const INTERACTIONS_PER_PERSON = 10;
const MONTHS_OF_YEAR = 12;

/** The quota on a UTC day, `YYYY-MM-DD`; unified people are those of now. */
export function quotaTruth(truth: Truth, { tenantId, lines }: LicensedTenant, on: string): TenantQuotaFigures {
  const day = parseDay(on);
  const month = monthOf(day);
  const used = {
    engagedPeople: truth.engaged(on).get(tenantId),
    interactions: truth.interactions().get(tenantId)?.get(monthText(month)),
    unifiedPeople: truth.unified().get(tenantId),
  };
  const owned = { ...ownedOn(lines, day), interactions: allowanceOf(lines, month) };
  const figures = (meter: Meter): QuotaFigures => against(owned[meter], used[meter]?.total ?? 0);
  const meters = ['engagedPeople', 'interactions', 'unifiedPeople'] as const;
  const ids = new Set(meters.flatMap((meter) => Object.keys(used[meter]?.byEnvironment ?? {})));
  const beside = (meter: Meter, id: string): { used: number; others: number } => {
    const own = used[meter]?.byEnvironment[id] ?? 0;
    return { used: own, others: (used[meter]?.total ?? 0) - own };
  };
  return {
    engagedPeople: figures('engagedPeople'),
    interactions: figures('interactions'),
    unifiedPeople: figures('unifiedPeople'),
    environments: Object.fromEntries(
      [...ids].map((id) => [
        id,
        {
          engagedPeople: beside('engagedPeople', id),
          interactions: beside('interactions', id),
          unifiedPeople: beside('unifiedPeople', id),
        },
      ]),
    ),
  };
}

/** The true-up of the licence year up to a day; of unified people only that day's figure is known. */
export function trueUpTruth(
  truth: Truth,
  { tenantId, lines, yearFrom }: LicensedTenant,
  { upTo }: { upTo: string },
): TrueUpFigures {
  const [from, last] = [parseDay(yearFrom), parseDay(upTo)];
  const engaged = truth.engagedDays(yearFrom, upTo).get(tenantId) ?? [];
  const months = truth.interactions().get(tenantId);
  const interactions: TrueUpFigures['interactions'] = {
    peak: 0,
    peakMonth: null,
    shortfallPeople: 0,
    shortfallMonth: null,
  };
  for (let month = monthOf(from); month <= monthOf(last) && month < monthOf(from) + MONTHS_OF_YEAR; month++) {
    const used = months?.get(monthText(month))?.total ?? 0;
    const short = Math.ceil((used - allowanceOf(lines, month)) / INTERACTIONS_PER_PERSON);
    if (used > interactions.peak) Object.assign(interactions, { peak: used, peakMonth: monthText(month) });
    if (short > interactions.shortfallPeople) {
      Object.assign(interactions, { shortfallPeople: short, shortfallMonth: monthText(month) });
    }
  }
  const people = peakOf(engaged, from, (day) => ownedOn(lines, day).engagedPeople);
  const total = truth.unified().get(tenantId)?.total ?? 0;
  const unified = peakOf([total], last, (day) => ownedOn(lines, day).unifiedPeople);
  return {
    engaged: people,
    interactions,
    unified,
    peopleToBuy: Math.max(people.shortfall, interactions.shortfallPeople),
    unifiedPeopleToBuy: unified.shortfall,
  };
}

function peakOf(totals: readonly number[], from: number, ownedOnDay: (day: number) => number): PeakOfDays {
  const found: PeakOfDays = { peak: 0, peakDay: null, shortfall: 0, shortfallDay: null };
  for (const [index, total] of totals.entries()) {
    const missing = total - ownedOnDay(from + index);
    const day = dayText(from + index);
    if (total > found.peak) Object.assign(found, { peak: total, peakDay: day });
    if (missing > found.shortfall) Object.assign(found, { shortfall: missing, shortfallDay: day });
  }
  return found;
}

function against(owned: number, used: number): QuotaFigures {
  const left = owned - used;
  return {
    owned,
    used,
    remaining: left > 0 ? left : 0,
    overage: left < 0 ? -left : 0,
    share: owned > 0 ? used / owned : null,
  };
}

function ownedOn(lines: readonly SimulatedLine[], day: number): { engagedPeople: number; unifiedPeople: number } {
  const owned = { engagedPeople: 0, unifiedPeople: 0 };
  for (const { sku, quantity, packSize = 0, startsOn, endsOn } of lines) {
    if (day < parseDay(startsOn) || (endsOn !== null && day >= parseDay(endsOn))) continue;
    if (sku === 'ci-base') {
      owned.engagedPeople += quantity * 10_000;
      owned.unifiedPeople += quantity * 100_000;
    } else if (sku === 'ci-unified-people') owned.unifiedPeople += quantity * packSize;
    else owned.engagedPeople += quantity * packSize;
  }
  return owned;
}

/** By the day of the month on which most is owned. */
function allowanceOf(lines: readonly SimulatedLine[], month: number): number {
  let most = 0;
  for (let day = firstDayOf(month); day < firstDayOf(month + 1); day++) {
    most = Math.max(most, ownedOn(lines, day).engagedPeople);
  }
  return INTERACTIONS_PER_PERSON * most;
}
