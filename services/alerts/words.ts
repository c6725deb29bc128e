/**
 * Figures in the words of an alert.
 */
import type { Day } from '@tally/metering';
import type { Meter } from './rules.ts';

export const METER_WORDS: Readonly<Record<Meter, string>> = {
  interactions: 'interactions',
  engaged: 'engaged people',
  unified: 'unified people',
};

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const ONE_DIGIT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const WEEKDAY = new Intl.DateTimeFormat('en-US', { weekday: 'long', timeZone: 'UTC' });

const MS_PER_DAY = 86_400_000;
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3_600;
const SECONDS_PER_DAY = 86_400;

/** `12,345`. */
export function count(number: number): string {
  return COUNT.format(number);
}

/** `1 day`, `12 days`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** At most one digit after the point. */
export function rounded(number: number): string {
  return ONE_DIGIT.format(number);
}

/** `79.9 %`: cut, not rounded, so that nothing seems reached that is not. */
export function percent(share: number): string {
  // What a share's binary form is short of must not cost a digit.
  return `${ONE_DIGIT.format(Math.floor(share * 1000 + 1e-9) / 10)} %`;
}

/** `45 seconds`, `12 minutes`, `5 hours`, `3 days`. */
export function duration(seconds: number): string {
  if (seconds < 2 * SECONDS_PER_MINUTE) return counted(Math.floor(seconds), 'second');
  if (seconds < 2 * SECONDS_PER_HOUR) return counted(Math.floor(seconds / SECONDS_PER_MINUTE), 'minute');
  if (seconds < 2 * SECONDS_PER_DAY) return counted(Math.floor(seconds / SECONDS_PER_HOUR), 'hour');
  return counted(Math.floor(seconds / SECONDS_PER_DAY), 'day');
}

/** `Friday`. */
export function weekdayOf(day: Day): string {
  return WEEKDAY.format(Date.parse(`${day}T00:00:00Z`));
}

/** Days from one day to another; negative if that is earlier. */
export function daysBetween(from: Day, to: Day): number {
  return (Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / MS_PER_DAY;
}
