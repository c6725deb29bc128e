/**
 * A figure over days as a chart in the terminal.
 */
import { plot } from 'simple-ascii-chart';
import { count } from './print.ts';

const WIDTH_CHARS_MAX = 96;
const HEIGHT_LINES = 12;
/** Each label is ten characters wide and the axis has room for so many. */
const LABELS = 5;

export interface DayTotal {
  day: string;
  total: number;
}

/** The curve with its days below and its totals at the left; of one day, nothing. */
export function curve(days: readonly DayTotal[]): string {
  if (days.length < 2) return '';
  const ticks = Array.from({ length: LABELS }, (_, label) => Math.round((label * (days.length - 1)) / (LABELS - 1)));
  const drawn = plot(
    days.map(({ total }, index): [number, number] => [index, total]),
    {
      width: Math.min(WIDTH_CHARS_MAX, Math.max(days.length, LABELS * 12)),
      height: HEIGHT_LINES,
      customXAxisTicks: [...new Set(ticks)],
      formatter: (value, { axis }) => (axis === 'x' ? (days[Math.round(value)]?.day ?? '') : count(Math.round(value))),
    },
  );
  return `${drawn.trimEnd()}\n`;
}
