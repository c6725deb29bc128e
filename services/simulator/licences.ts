/**
 * What tenants of the demo bought, by what they turned out to use: one has plenty, one is about to run out, one is over.
 */
import { addMonths, dayText, firstDayOf, monthOf, parseDay } from './calendar.ts';
import type { Truth } from './truth.ts';

export interface SimulatedLine {
  sku: 'ci-base' | 'ci-interacted-people-t1' | 'ci-unified-people' | 'marketing-standalone' | 'trial';
  quantity: number;
  /** People in a unit, where it is sold in packs. */
  packSize?: number;
  startsOn: string;
  /** The first day on which it grants nothing any more, or null. */
  endsOn: string | null;
}

export interface LicensedTenant {
  tenantId: string;
  standing: 'comfortable' | 'nearly used up' | 'over';
  /** First day of the licence year that the last day of the traffic is in. */
  yearFrom: string;
  lines: SimulatedLine[];
}

interface Use {
  engaged: number;
  unified: number;
}

/** A licence year began so many months ago, in the middle of its month. */
const YEAR_BEGAN_MONTHS_AGO = 11;
const DAYS_INTO_MONTH = 14;
/** Months after which the line of half a year ends, and the add-on of the year begins. */
const HALF_YEAR_MONTHS = 5;

const BASE_ENGAGED = 10_000;
const BASE_UNIFIED = 100_000;

/** For the three tenants with the most engaged people on a day, or for those there are. */
export function licencesFor(truth: Truth, on: string): LicensedTenant[] {
  const from = firstDayOf(monthOf(parseDay(on)) - YEAR_BEGAN_MONTHS_AGO) + DAYS_INTO_MONTH;
  const unified = truth.unified();
  const tenants = [...truth.engaged(on)].sort(
    ([a, { total: most }], [b, { total }]) => total - most || (a < b ? -1 : 1),
  );
  const plans = [comfortable, nearlyUsedUp, over];
  return tenants.slice(0, plans.length).flatMap(([tenantId, { total: engaged }], index) => {
    const plan = plans[index]?.({ engaged, unified: unified.get(tenantId)?.total ?? 0 }, from);
    return plan ? [{ tenantId, yearFrom: dayText(from), ...plan }] : [];
  });
}

type Plan = Pick<LicensedTenant, 'standing' | 'lines'>;

/** Half of everything is left. */
function comfortable({ engaged, unified }: Use, from: number): Plan {
  const quantity = Math.max(1, Math.ceil((2 * engaged) / BASE_ENGAGED), Math.ceil((2 * unified) / BASE_UNIFIED));
  return {
    standing: 'comfortable',
    lines: [{ sku: 'ci-base', quantity, startsOn: dayText(from), endsOn: null }],
  };
}

/** 97 percent of the people are used, by an old licence with an add-on since the middle of the year. */
function nearlyUsedUp({ engaged, unified }: Use, from: number): Plan {
  const owned = Math.ceil(engaged / 0.97);
  const first = Math.ceil(owned * 0.8);
  const startsOn = dayText(from);
  const addedOn = dayText(addMonths(from, HALF_YEAR_MONTHS) + 3);
  return {
    standing: 'nearly used up',
    lines: [
      { sku: 'marketing-standalone', quantity: 1, packSize: first, startsOn, endsOn: null },
      { sku: 'ci-interacted-people-t1', quantity: 1, packSize: owned - first + 1, startsOn: addedOn, endsOn: null },
      { sku: 'ci-unified-people', quantity: 1, packSize: Math.ceil(unified / 0.97) + 1, startsOn, endsOn: null },
    ],
  };
}

/** A quarter more is used than owned; renewed in between, and a trial is over. */
function over({ engaged, unified }: Use, from: number): Plan {
  const [startsOn, renewedOn] = [dayText(from), dayText(addMonths(from, HALF_YEAR_MONTHS))];
  const people = {
    sku: 'ci-interacted-people-t1',
    quantity: 2,
    packSize: Math.max(1, Math.floor(engaged * 0.4)),
  } as const;
  return {
    standing: 'over',
    lines: [
      { ...people, startsOn, endsOn: renewedOn },
      { ...people, startsOn: renewedOn, endsOn: null },
      {
        sku: 'ci-unified-people',
        quantity: 1,
        packSize: Math.max(1, Math.floor(unified * 0.8)),
        startsOn,
        endsOn: null,
      },
      { sku: 'trial', quantity: 1, packSize: 50, startsOn: dayText(addMonths(from, -1)), endsOn: dayText(from + 20) },
    ],
  };
}
