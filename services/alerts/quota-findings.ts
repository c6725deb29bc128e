/**
 * What a tenant has used of what it owns, and where that is heading. (Rules: "Alerts".)
 */
import { addDays, type Day, dayOf, dayOfMonth, entitlementsOn, monthOf } from '@tally/metering';
import type { Found } from './finding.ts';
import type { TenantObservation } from './observation.ts';
import type { Meter, RuleOf } from './rules.ts';
import { count, counted, daysBetween, METER_WORDS, percent } from './words.ts';

/** Interactions begin at zero with each month. People do not: their alerts are those of a licence year, once for it. */
function periodOf(meter: Meter, seen: TenantObservation): string {
  return meter === 'interactions' ? seen.interactions.month : yearOf(seen);
}

/** By its first day; a tenant in no licence year (a trial) is told by the month. */
export function yearOf(seen: TenantObservation): string {
  return seen.trueUp?.licenceYear.from ?? monthOf(dayOf(seen.at));
}

/** Used of owned; none where nothing is owned of the meter, nor for unified people before their first figure. */
export function quotaShare({ meter }: RuleOf<'quota-share'>, seen: TenantObservation): Found[] {
  if (meter === 'unified' && !seen.unifiedPeople.known) return [];
  const { owned, used, remaining, overage, share, reachedOn } = quotaOfMeter(meter, seen);
  const period = periodOf(meter, seen);
  const words = METER_WORDS[meter];
  const figures = { used, owned, remaining, overage, reachedOn };
  const about = { subject: meter, period, value: share, unit: 'share', figures };
  const whole =
    meter === 'interactions' ? `the ${count(owned)} interactions of ${period}` : `the ${count(owned)} ${words} owned`;
  if (share === null)
    return [{ ...about, title: `No ${words} are owned`, detail: `There is no quota of ${words} any more.` }];
  const left = overage > 0 ? `${count(overage)} more than are owned` : `${count(remaining)} are left`;
  const detail = `${count(used)} of ${whole} are used; ${left}. ${pace(meter, seen)}${whatToDo(meter)}`;
  return [{ ...about, title: `${percent(share)} of ${whole} are used`, detail }];
}

/**
 * The interactions that the month is heading for, of its allowance: said from the rule's first day of the month on, and
 * not once the allowance is used up, which the share says.
 */
export function projectedMonth({ daysMin }: RuleOf<'projected-month'>, seen: TenantObservation): Found[] {
  const { month, owned, used, projected, reachedOn } = seen.interactions;
  const figures = { used, owned, projected, reachedOn };
  const about = { subject: 'interactions', period: month, unit: 'share', figures };
  if (owned === 0 || projected === null) {
    const detail = 'There is no allowance of interactions to hold the projection against.';
    return [{ ...about, value: null, title: `No interactions are owned in ${month}`, detail }];
  }
  return [
    {
      ...about,
      value: projected / owned,
      onlyBetter: used >= owned || dayOfMonth(dayOf(seen.at)) < daysMin,
      title: `${month} is heading for ${percent(projected / owned)} of its ${count(owned)} interactions`,
      detail: `${count(used)} of the ${count(owned)} interactions of ${month} are used. ${pace('interactions', seen)}${whatToDo('interactions')}`,
    },
  ];
}

/**
 * The days until people reach their quota; none if they do not at this pace, or only when the licence has ended. Said from
 * a share of the quota on, and not once it is used up, which the share says.
 */
export function projectedPeople({ meter, shareMin }: RuleOf<'projected-people'>, seen: TenantObservation): Found[] {
  if (meter === 'unified' && !seen.unifiedPeople.known) return [];
  const { owned, used, share, reachedOn } = quotaOfMeter(meter, seen);
  const today = dayOf(seen.at);
  const words = METER_WORDS[meter];
  const endsOn = ownedUntil(meter, seen, today);
  const figures = { used, owned, reachedOn, licenceEndsOn: endsOn };
  const about = { subject: meter, period: yearOf(seen), unit: 'days', figures };
  if (share !== null && used >= owned) {
    const title = `All of the ${count(owned)} ${words} owned are used`;
    return [{ ...about, value: 0, onlyBetter: true, title, detail: `${count(used)} are used.` }];
  }
  if (share === null || reachedOn === null || (endsOn !== null && reachedOn >= endsOn)) {
    const title = `The ${count(owned)} ${words} owned last at this pace`;
    const detail = `${count(used)} are used, and at this pace they do not reach what is owned before the licence ends.`;
    return [{ ...about, value: null, title, detail }];
  }
  const days = Math.max(0, daysBetween(today, reachedOn));
  return [
    {
      ...about,
      value: days,
      onlyBetter: share < shareMin,
      title: `All of the ${count(owned)} ${words} owned will be used in ${counted(days, 'day')}`,
      detail: `${count(used)} of ${count(owned)} ${words} are used (${percent(share)}). ${pace(meter, seen)}${whatToDo(meter)}`,
    },
  ];
}

/**
 * Interactions in a month without an allowance, of a tenant that once had a licence: it has ended, or grants no engaged
 * people. A tenant for which no licence was ever entered is only metered, and nothing is said about what it owns.
 */
export function unlicensedUsage(_: RuleOf<'unlicensed-usage'>, seen: TenantObservation): Found[] {
  const { month, owned, used } = seen.interactions;
  const begun = seen.lines.some(({ startsOn }) => startsOn <= dayOf(seen.at));
  const ends = seen.lines.flatMap(({ endsOn }) => endsOn ?? []).sort();
  const lastEnd = ends.at(-1) ?? null;
  const ended = lastEnd !== null && lastEnd <= dayOf(seen.at) ? ` The last licence line ended on ${lastEnd}.` : '';
  return [
    {
      subject: 'interactions',
      period: month,
      value: owned === 0 && begun ? used : null,
      unit: 'interactions',
      title: `${counted(used, 'interaction')} in ${month}, and no allowance`,
      detail: `No line in force in ${month} grants engaged people, so there is no allowance; ${counted(used, 'interaction')} happened all the same.${ended} Renew, or enter the line that is missing; end the journeys if neither is meant.`,
      figures: { used, owned, lastEnd },
    },
  ];
}

/**
 * People that were missing in the worst month of the licence year so far. Said when that month is over: while it lasts, the
 * share of its allowance says so.
 */
export function peakOverrun(_: RuleOf<'peak-overrun'>, seen: TenantObservation): Found[] {
  const about = { subject: 'interactions', period: yearOf(seen), unit: 'people' };
  if (seen.trueUp === null) {
    return [{ ...about, value: null, title: 'No licence year', detail: 'The day is in no licence year.', figures: {} }];
  }
  const { interactions, peopleToBuy, licenceYear } = seen.trueUp;
  const { peak, peakMonth, shortfallPeople, shortfallMonth } = interactions;
  const figures = { shortfallPeople, shortfallMonth, peak, peakMonth, peopleToBuy };
  if (shortfallMonth === null) {
    const title = 'No month of the licence year is over its allowance';
    return [
      { ...about, value: 0, title, detail: `No month since ${licenceYear.from} is over its allowance.`, figures },
    ];
  }
  const short = counted(shortfallPeople, 'engaged person', 'engaged people');
  return [
    {
      ...about,
      value: shortfallPeople,
      onlyBetter: shortfallMonth >= monthOf(dayOf(seen.at)),
      title: `${short} short in ${shortfallMonth}, the licence year’s worst month`,
      detail: `Quota must be owned for the peak of the licence year from ${licenceYear.from} until ${licenceYear.until}. ${shortfallMonth} had more interactions than its allowance; ${short} more would have covered them. With what is missing of engaged people, the true-up comes to ${count(peopleToBuy)} to buy so far; \`tally true-up\` names the packs.`,
      figures,
    },
  ];
}

function quotaOfMeter(meter: Meter, seen: TenantObservation) {
  if (meter === 'interactions') return seen.interactions;
  return meter === 'engaged' ? seen.engagedPeople : seen.unifiedPeople;
}

/** The first day after today on which nothing of the meter is owned; null while a line is open. */
function ownedUntil(meter: Exclude<Meter, 'interactions'>, { lines }: TenantObservation, today: Day): Day | null {
  const ends = lines.flatMap(({ endsOn }) => (endsOn !== null && endsOn > today ? endsOn : [])).sort();
  const owned = (day: Day): number =>
    entitlementsOn(lines, day)[meter === 'engaged' ? 'engagedPeople' : 'unifiedPeople'];
  return ends.find((day) => owned(day) === 0 && owned(addDays(day, -1)) > 0) ?? null;
}

function pace(meter: Meter, seen: TenantObservation): string {
  const { owned, used, reachedOn } = quotaOfMeter(meter, seen);
  if (used >= owned) return reachedOn === null ? '' : `All that is owned was used on ${reachedOn}. `;
  const reached = reachedOn === null ? '' : `At the pace so far the last of them is used on ${reachedOn}. `;
  if (meter !== 'interactions' || seen.interactions.projected === null) return reached;
  return `${reached}The month is heading for ${count(seen.interactions.projected)}. `;
}

function whatToDo(meter: Meter): string {
  const over = 'Nothing is stopped at the quota; what goes beyond it has to be bought at the true-up.';
  if (meter === 'interactions') return `${over} Send less, or own more engaged people: each adds 10 interactions.`;
  if (meter === 'engaged') return `${over} Reach fewer new people, or add a pack of engaged people.`;
  return `${over} Bring in fewer records, let more of them be merged, or add a pack of unified people.`;
}
