/**
 * A timeline of counting policies as SQL: which rows of a day, and which days of a row of a month, count.
 */
import {
  type CountingPolicy,
  type Day,
  firstDayOf,
  maskFrom,
  maskUpTo,
  monthOf,
  type PolicyStretch,
  type PolicyTimeline,
  policyStretches,
  WHOLE_MONTH_MASK,
} from '@tally/metering';
import type { Params } from '@tally/platform/clickhouse';
import { CHANNELS, DIRECTIONS } from '@tally/schemas';

export interface SqlPart {
  sql: string;
  params: Params;
}

export interface DayRange {
  first: Day;
  /** Included. */
  last: Day;
}

/**
 * A condition on the columns `day`, `direction` and `channel`: the row lies in the range and counts.
 * @param name keeps the parameters of several such conditions apart
 */
export function countedDays(timeline: PolicyTimeline, range: DayRange, name = 'counted'): SqlPart {
  return combined(timeline, range, name, ' OR ', ({ policy }, first, last) =>
    [`day >= {${first}:Date} AND day <= {${last}:Date}`, ...policyConditions(policy)].join(' AND '),
  );
}

/**
 * An expression over the columns `month`, `direction`, `channel` and `days`: those of the row's days that lie in the range
 * and count, as a mask.
 * @param name keeps the parameters of several such expressions apart
 */
export function countedMask(timeline: PolicyTimeline, range: DayRange, name: string): SqlPart {
  const { sql, params } = combined(timeline, range, name, ' + ', (stretch, first, last) => {
    const mask = rangeMask(stretch, first, last);
    const conditions = policyConditions(stretch.policy);
    return conditions.length === 0 ? mask : `if(${conditions.join(' AND ')}, ${mask}, 0)`;
  });
  // Stretches do not overlap, so the sum of their masks is their union.
  return { sql: `bitAnd(days, toUInt32(${sql}))`, params };
}

/** The days of a row's month that lie in a stretch. */
function rangeMask({ first: from, last: to }: PolicyStretch, first: string, last: string): string {
  const [begins, ends] = [maskFrom(from), maskUpTo(to)];
  const firstMonth = `{${first}Month:Date}`;
  if (monthOf(from) === monthOf(to)) return `if(month = ${firstMonth}, ${begins & ends}, 0)`;
  const lastMonth = `{${last}Month:Date}`;
  return `multiIf(month = ${firstMonth}, ${begins}, month = ${lastMonth}, ${ends}, month > ${firstMonth} AND month < ${lastMonth}, ${WHOLE_MONTH_MASK}, 0)`;
}

function combined(
  timeline: PolicyTimeline,
  range: DayRange,
  name: string,
  operator: string,
  part: (stretch: PolicyStretch, first: string, last: string) => string,
): SqlPart {
  const params: Params = {};
  const parts = policyStretches(timeline, range.first, range.last).map((stretch, index) => {
    const [first, last] = [`${name}First${index}`, `${name}Last${index}`];
    params[first] = stretch.first;
    params[last] = stretch.last;
    params[`${first}Month`] = firstDayOf(monthOf(stretch.first));
    params[`${last}Month`] = firstDayOf(monthOf(stretch.last));
    return `(${part(stretch, first, last)})`;
  });
  return { sql: parts.length === 0 ? '0' : `(${parts.join(operator)})`, params };
}

/** Conditions on `direction` and `channel`; none where the policy counts all of them. The names are the catalogue's. */
function policyConditions({ directions, channels }: CountingPolicy): string[] {
  return [
    ...(directions.length === DIRECTIONS.length ? [] : [`direction IN (${quoted(directions)})`]),
    ...(channels.length === CHANNELS.length ? [] : [`channel IN (${quoted(channels)})`]),
  ];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

/** First days of the months that a range touches, for a condition on a table ordered by month. */
export function monthsOf({ first, last }: DayRange): { firstMonth: Day; lastMonth: Day } {
  return { firstMonth: firstDayOf(monthOf(first)), lastMonth: firstDayOf(monthOf(last)) };
}
