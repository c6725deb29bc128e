/**
 * The chart of a year: a bar a month for what was used, what lies beyond the quota in another colour, and the quota as a
 * line of steps.
 */
import type { Month } from '@tally/metering';
import { count, monthName, monthShort } from '../words.ts';
import { COLOUR, type Paper } from './paper.ts';

export interface ChartMonth {
  month: Month;
  used: number;
  owned: number;
}

export interface ChartBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

const TITLE_HEIGHT = 14;
const LEGEND_HEIGHT = 14;
const LABEL_HEIGHT = 12;
const AXIS_WIDTH = 30;
const LABEL_SIZE = 6.6;
const TICKS_MAX = 4;
/** Of a month's width. */
const BAR_SHARE = 0.62;

/** Draws a chart into a box; `names` says what the bars and the line are. */
export function drawChart(
  paper: Paper,
  box: ChartBox,
  title: string,
  names: { used: string; owned: string },
  months: readonly ChartMonth[],
): void {
  const alt = `${title}. ${months.map(({ month, used, owned }) => `${monthName(month)}: ${count(used)} of ${count(owned)}`).join('; ')}.`;
  paper.tagged(
    'Figure',
    () => {
      paper.write(title, box.x, box.y + 8, { size: 8, weight: 'bold', width: box.width });
      drawLegend(paper, box, names);
      const plot = {
        x: box.x + AXIS_WIDTH,
        y: box.y + TITLE_HEIGHT + LEGEND_HEIGHT,
        width: box.width - AXIS_WIDTH,
        height: box.height - TITLE_HEIGHT - LEGEND_HEIGHT - LABEL_HEIGHT,
      };
      drawPlot(paper, plot, months);
    },
    alt,
  );
}

function drawLegend(paper: Paper, { x, y }: ChartBox, { used, owned }: { used: string; owned: string }): void {
  const middle = y + TITLE_HEIGHT + 4;
  let at = x;
  const entry = (text: string, mark: (x: number) => void): void => {
    mark(at);
    at += 11;
    at += paper.write(text, at, middle + 2.3, { size: LABEL_SIZE, colour: COLOUR.grey }) + 10;
  };
  entry(used, (left) => paper.box(left, middle - 3, 7, 6, COLOUR.used));
  entry('over', (left) => paper.box(left, middle - 3, 7, 6, COLOUR.over));
  entry(owned, (left) => paper.line([left, middle], [left + 8, middle], COLOUR.ink, 1.2));
}

function drawPlot(paper: Paper, plot: ChartBox, months: readonly ChartMonth[]): void {
  const { x, y, width, height } = plot;
  const { step, top } = axisOf(Math.max(...months.flatMap(({ used, owned }) => [used, owned])));
  const bottom = y + height;
  const heightOf = (value: number): number => (value / top) * height;
  for (let tick = 0; tick <= top; tick += step) {
    const at = bottom - heightOf(tick);
    paper.line([x, at], [x + width, at], tick === 0 ? COLOUR.grey : COLOUR.line, tick === 0 ? 0.6 : 0.4);
    const style = { size: LABEL_SIZE, colour: COLOUR.grey, align: 'right', width: AXIS_WIDTH - 5 } as const;
    paper.write(compact(tick), x - AXIS_WIDTH, at + 2.3, style);
  }
  const slot = width / months.length;
  for (const [index, { month, used, owned }] of months.entries()) {
    const left = x + index * slot;
    const bar = { x: left + (slot * (1 - BAR_SHARE)) / 2, width: slot * BAR_SHARE };
    const within = heightOf(Math.min(used, owned));
    const over = heightOf(Math.max(0, used - owned));
    paper.box(bar.x, bottom - within, bar.width, within, COLOUR.used);
    paper.box(bar.x, bottom - within - over, bar.width, over, COLOUR.over);
    const weight = index === months.length - 1 ? 'bold' : 'regular';
    const style = { size: LABEL_SIZE, weight, align: 'center', width: slot } as const;
    paper.write(monthShort(month), left, bottom + 9, {
      ...style,
      colour: weight === 'bold' ? COLOUR.ink : COLOUR.grey,
    });
  }
  if (months.some(({ owned }) => owned > 0)) drawSteps(paper, plot, months, heightOf);
  else if (months.every(({ used }) => used === 0)) {
    const style = { align: 'center', width, colour: COLOUR.grey } as const;
    paper.write('nothing used, nothing owned', x, y + height / 2, style);
  }
}

function drawSteps(paper: Paper, plot: ChartBox, months: readonly ChartMonth[], heightOf: (value: number) => number) {
  const slot = plot.width / months.length;
  const bottom = plot.y + plot.height;
  for (const [index, { owned }] of months.entries()) {
    const left = plot.x + index * slot;
    const at = bottom - heightOf(owned);
    paper.line([left, at], [left + slot, at], COLOUR.ink, 1.2);
    const before = months[index - 1];
    if (before) paper.line([left, bottom - heightOf(before.owned)], [left, at], COLOUR.ink, 1.2);
  }
}

/** A round step, and the multiple of it that holds the largest value. */
export function axisOf(largest: number): { step: number; top: number } {
  const least = Math.max(1, largest) / TICKS_MAX;
  const magnitude = Math.max(1, 10 ** (String(Math.floor(least)).length - 1));
  const step =
    [1, 2, 2.5, 5, 10]
      .map((factor) => factor * magnitude)
      .find((candidate) => candidate >= least && Number.isInteger(candidate)) ?? 10 * magnitude;
  return { step, top: Math.max(step, Math.ceil(largest / step) * step) };
}

/** `250`, `2.5k`, `12.5M`, `1.2bn`. */
export function compact(value: number): string {
  for (const [unit, sign] of [
    [1e9, 'bn'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= unit) return `${String(value / unit)}${sign}`;
  }
  return String(value);
}
