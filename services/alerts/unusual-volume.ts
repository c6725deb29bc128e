/**
 * A day far from its own history. The usual day is the median of the same weekdays in the weeks before; the usual deviation
 * is the median distance from it, times 1.4826, which makes it the standard deviation where days are normally distributed.
 * Neither is moved by a few days that were unusual themselves. The deviation is never taken for less than a share of the
 * usual day, nor for fewer than a number of interactions: so neither a very even tenant nor a very small one alerts over
 * nothing. (Rules: "Alerts".)
 */
import { addDays, type Day, type DayUsage, dayOf } from '@tally/metering';
import type { Found } from './finding.ts';
import type { TenantObservation } from './observation.ts';
import type { RuleOf } from './rules.ts';
import { count, rounded, weekdayOf } from './words.ts';

type VolumeRule = RuleOf<'unusual-volume'>;

interface Unusual {
  day: Day;
  total: number;
  median: number;
  deviation: number;
  weeks: number;
  /** Deviations above the median; negative below it. */
  distance: number;
}

const DAYS_PER_WEEK = 7;
const MS_PER_HOUR = 3_600_000;
const MAD_TO_STANDARD_DEVIATION = 1.4826;

/**
 * Too many: the worse of today, as far as it has gone, and yesterday. Too few: the last day that is over, and whose late
 * events have had their time. Each is an alert of its own, which goes on while day after day is like that.
 */
export function unusualVolume(rule: VolumeRule, seen: TenantObservation): Found[] {
  const today = dayOf(seen.at);
  const over = addDays(dayOf(seen.at - rule.graceHours * MS_PER_HOUR), -1);
  const [running, before, last] = [today, addDays(today, -1), over].map((day) => unusual(rule, seen.days, day));
  const most = running && before ? (running.distance >= before.distance ? running : before) : (running ?? before);
  return [
    found('too-many', today, most, most?.distance ?? null),
    found('too-few', over, last, last ? 0 - last.distance : null),
  ];
}

function found(subject: 'too-many' | 'too-few', day: Day, at: Unusual | undefined, value: number | null): Found {
  const about = { subject, unit: 'deviations', lasting: true };
  if (!at) {
    const detail = 'There are too few weeks of history to say what is usual.';
    return { ...about, period: day, value: null, title: `Nothing unusual known of ${day}`, detail, figures: {} };
  }
  const { total, median, deviation, weeks, distance } = at;
  const weekday = weekdayOf(at.day);
  const ask =
    subject === 'too-many'
      ? 'Was a journey started twice, or for a larger audience than meant?'
      : 'Does every journey run, and does every sender reach Tally? Nothing is lost that a sender still holds.';
  return {
    ...about,
    period: at.day,
    value,
    title: `${subject === 'too-many' ? 'Unusually many' : 'Unusually few'} interactions on ${at.day}`,
    detail: `${count(total)} interactions on ${weekday}, ${at.day}. On the ${weeks} ${weekday}s before it there were about ${count(median)}, give or take ${count(deviation)}; this is ${rounded(Math.abs(distance))} times that away. ${ask}`,
    figures: { day: at.day, total, median, deviation, weeks },
  };
}

function unusual(rule: VolumeRule, days: readonly DayUsage[], day: Day): Unusual | undefined {
  const first = days[0]?.day;
  if (first === undefined) return undefined;
  const totals = new Map(days.map((one) => [one.day, one.total]));
  const history: number[] = [];
  for (let week = 1; week <= rule.weeks; week++) {
    const past = addDays(day, -week * DAYS_PER_WEEK);
    if (past >= first) history.push(totals.get(past) ?? 0);
  }
  if (history.length < rule.weeksMin) return undefined;
  const usual = median(history);
  const spread = MAD_TO_STANDARD_DEVIATION * median(history.map((total) => Math.abs(total - usual)));
  const deviation = Math.max(spread, rule.deviationShareMin * usual, rule.deviationMin);
  const total = totals.get(day) ?? 0;
  return { day, total, median: usual, deviation, weeks: history.length, distance: (total - usual) / deviation };
}

/** Of an even number of values, the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}
