/**
 * Figures, days and months in words. Nothing here asks Intl: its data differ between builds of Node, and a statement's
 * files must not.
 */
import type { Day, Month } from '@tally/metering';
import type { AdjustedFigure, Adjustment, Statement } from '../document.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** For what is not there. */
export const NONE = '–';

const MINUS = '\u2212';

/** `1,234,567`. */
export function count(value: number): string {
  const digits = String(Math.abs(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  return value < 0 ? `${MINUS}${digits}` : digits;
}

/** `+12`, `−3`, `0`. */
export function signed(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value);
}

/** `87.5%`. What is not all of it never reads as 100.0%, nor what is more; what is not nothing not as 0.0%. */
export function percent(share: number | null): string {
  if (share === null) return NONE;
  const rounded = (share * 100).toFixed(1);
  if (rounded === '100.0' && share !== 1) return share < 1 ? '<100%' : '>100%';
  if (rounded === '0.0' && share > 0) return '<0.1%';
  const [whole = '', tenths = ''] = rounded.split('.');
  return `${count(Number(whole))}.${tenths}%`;
}

/** `October 2026`. */
export function monthName(month: Month): string {
  return `${MONTHS[Number(month.slice(5, 7)) - 1] ?? month} ${month.slice(0, 4)}`;
}

/** `Oct 2026`. */
export function monthBrief(month: Month): string {
  return `${monthShort(month)} ${month.slice(0, 4)}`;
}

/** `Oct`. */
export function monthShort(month: Month): string {
  return monthName(month).slice(0, 3);
}

/** `17 October 2026`. */
export function dayName(day: Day): string {
  return `${Number(day.slice(8, 10))} ${monthName(day)}`;
}

/** `3 November 2026, 06:00 UTC`; seconds are for machines. */
export function momentName(moment: string): string {
  const iso = new Date(moment).toISOString();
  return `${dayName(iso.slice(0, 10))}, ${iso.slice(11, 16)} UTC`;
}

export const FIGURE_NAMES: Record<AdjustedFigure, string> = {
  interactions: 'Interactions',
  engagedPeople: 'Engaged people, last day',
  engagedPeoplePeak: 'Engaged people, highest day',
  unifiedPeople: 'Unified people, last day',
  unifiedPeoplePeak: 'Unified people, highest day',
};

/** Why an adjustment is there, in words for the end of a line. */
export function reasonOf({ difference }: Adjustment): string {
  return difference < 0 ? 'taken back afterwards' : 'became known afterwards';
}

/** `over`: somewhere in the month a meter was beyond its quota; `none`: nothing was owned. With a sentence for it. */
export function verdictOf(statement: Statement): { kind: 'within' | 'over' | 'none'; text: string } {
  const { month, interactions, engagedPeople, unifiedPeople } = statement;
  const over: string[] = [];
  if (interactions.overage > 0) over.push(`interactions by ${count(interactions.overage)}`);
  for (const [name, { worst }] of [
    ['engaged people', engagedPeople],
    ['unified people', unifiedPeople],
  ] as const) {
    if (worst !== null) over.push(`${name} by ${count(worst.overage)} on ${dayName(worst.day)}`);
  }
  const meters = [interactions, engagedPeople, engagedPeople.peak, unifiedPeople, unifiedPeople.peak];
  if (over.length > 0) return { kind: 'over', text: `Over quota in ${monthName(month)}: ${over.join('; ')}.` };
  if (meters.every(({ owned }) => owned === 0)) {
    return { kind: 'none', text: `No quota was owned in ${monthName(month)}, and none was needed.` };
  }
  return { kind: 'within', text: `Within quota on every day of ${monthName(month)}.` };
}

/** Largest first, then by name. */
export function largestFirst(counts: Record<string, number>): [name: string, count: number][] {
  return Object.entries(counts).sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1));
}

/** By name, since a statement that was read again may have its keys in another order. */
export function byName<Value>(record: Record<string, Value>): [name: string, value: Value][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
