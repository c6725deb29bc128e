/**
 * `ingest --sweep`: Tally's consumer alone, by the size of its groups, by partitions and by the number of consumers, as a
 * table and as a picture.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { count, table } from '@tally/cli/print';
import { LineChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { BenchStack } from './bench-stack.ts';
import { tallyConsumer } from './ingest-contenders.ts';
import type { EventPlan } from './ingest-events.ts';
import { fillIngest } from './ingest-fill.ts';
import { type IngestRun, measureIngest } from './ingest-measure.ts';
import { stage } from './stage.ts';

/** What is varied, one thing at a time; the others stay as they are by default. */
export interface SweepPoint {
  by: 'group records' | 'partitions' | 'consumers';
  value: number;
  run: IngestRun;
}

const GROUP_RECORDS = [5_000, 20_000, 60_000, 200_000, 500_000];
const PARTITIONS = [1, 4, 16, 64];
const CONSUMERS = [1, 2, 4];

const TITLES = {
  'group records': 'By the size of an insert',
  partitions: 'By partitions',
  consumers: 'By consumers',
} as const;

const AXES = {
  'group records': 'records in an insert, at most',
  partitions: 'partitions of the topic',
  consumers: 'consumer processes',
} as const;

const WIDTH = 960;
/** Of the scale. */
const LINES = 4;
const HEADROOM = 1.1;

use([LineChart, GridComponent, TitleComponent, SVGRenderer]);

/** Measures every point on the same number of events; each number of partitions is a topic of its own. */
export async function sweepIngest(bench: BenchStack, plan: EventPlan): Promise<SweepPoint[]> {
  const points: SweepPoint[] = [];
  const measure = async (
    by: SweepPoint['by'],
    value: number,
    options: Partial<EventPlan & Consumers>,
  ): Promise<void> => {
    const { consumers = 1, groupRecords, ...different } = options;
    const filled = await fillIngest(bench, { ...plan, ...different }, { twins: false });
    const contender = tallyConsumer({ consumers, groupRecords });
    const run = await measureIngest(bench, filled, { contender, round: 1 });
    stage(`${by} ${value}: ${run.eventsPerSecond} events/s, rows ${run.rows.right ? 'right' : 'WRONG'}`);
    points.push({ by, value, run });
  };
  for (const groupRecords of GROUP_RECORDS) await measure('group records', groupRecords, { groupRecords });
  for (const partitions of PARTITIONS) await measure('partitions', partitions, { partitions });
  for (const consumers of CONSUMERS) await measure('consumers', consumers, { consumers });
  return points;
}

interface Consumers {
  consumers: number;
  groupRecords: number;
}

export function sweepText(points: readonly SweepPoint[]): string {
  const titles = ['', 'events/s', 'consumers µs', 'ClickHouse µs', 'consumers MiB', 'parts'];
  return table(
    [{ title: 'varied' }, ...titles.map((title) => ({ title, right: true })), { title: 'rows' }],
    points.map(({ by, value, run }) => [
      by,
      count(value),
      count(run.eventsPerSecond),
      run.cpuMicrosPerEvent.own.toFixed(2),
      run.cpuMicrosPerEvent.clickhouse.toFixed(2),
      count(Math.round(run.peakBytes.own / 2 ** 20)),
      count(run.parts.total),
      run.rows.right ? 'right' : 'WRONG',
    ]),
  );
}

/** Three small charts on one scale, side by side. */
export function drawSweep(points: readonly SweepPoint[], { file, events }: { file: string; events: number }): void {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: 340 });
  chart.setOption(optionOf(points));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, withTitle(chart.renderToSVGString(), points, events));
  chart.dispose();
}

/** For who does not see it: the figures as they are. */
function withTitle(svg: string, points: readonly SweepPoint[], events: number): string {
  const name = `Events a second of Tally’s consumer, ${count(events)} events`;
  const said = names().map((by) => {
    const of = points.filter((point) => point.by === by);
    return `${TITLES[by]}: ${of.map(({ value, run }) => `${count(value)}: ${count(run.eventsPerSecond)}`).join('; ')}.`;
  });
  const begin = svg.indexOf('>') + 1;
  const opening = svg.slice(0, begin - 1);
  return `${opening} role="img" aria-label="${name}"><title>${name}</title><desc>${said.join(' ')}</desc>${svg.slice(begin)}`;
}

function names(): SweepPoint['by'][] {
  return Object.keys(TITLES) as SweepPoint['by'][];
}

function optionOf(points: readonly SweepPoint[]): EChartsCoreOption {
  const step = stepOf(Math.max(1, ...points.map(({ run }) => run.eventsPerSecond)));
  const place = (index: number) => ({ left: 76 + index * 306, width: 234 });
  const text = { color: '#424a53', fontFamily: 'sans-serif', fontSize: 12 };
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: names().map((by, index) => ({
      text: TITLES[by],
      left: place(index).left - 4,
      top: 8,
      textStyle: { ...text, color: '#1f2328', fontSize: 14, fontWeight: 'bold' },
    })),
    grid: names().map((_, index) => ({ ...place(index), top: 68, bottom: 56 })),
    xAxis: names().map((by, gridIndex) => ({
      type: 'category',
      gridIndex,
      name: AXES[by],
      nameLocation: 'middle',
      nameGap: 30,
      nameTextStyle: text,
      data: points.filter((point) => point.by === by).map(({ value }) => short(value)),
      axisLabel: { ...text, interval: 0 },
      axisTick: { alignWithLabel: true },
    })),
    yAxis: names().map((_, gridIndex) => ({
      type: 'value',
      gridIndex,
      name: 'events/s',
      nameTextStyle: { ...text, align: 'right' },
      min: 0,
      max: step * LINES,
      interval: step,
      axisLabel: { ...text, formatter: short },
      splitLine: { lineStyle: { color: '#d8dee4' } },
    })),
    series: names().map((by, index) => ({
      type: 'line',
      xAxisIndex: index,
      yAxisIndex: index,
      color: '#0969da',
      symbol: 'circle',
      symbolSize: 7,
      lineStyle: { width: 2 },
      label: {
        show: true,
        position: 'top',
        ...text,
        textBorderColor: '#ffffff',
        textBorderWidth: 3,
        formatter: ({ value }: { value: number }) => rounded(value),
      },
      data: points.filter((point) => point.by === by).map(({ run }) => run.eventsPerSecond),
    })),
  };
}

/** Lines of the scale lie a round number apart, with room for the labels above the highest point. */
function stepOf(highest: number): number {
  const least = (highest * HEADROOM) / LINES;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 1.5, 2, 2.5, 3, 4, 5].find((times) => times * power >= least) ?? 10) * power;
}

/** 60k for 60,000. */
function short(value: number): string {
  return value < 1_000 ? String(value) : `${value / 1_000}k`;
}

/** 73k for 73,227. */
function rounded(value: number): string {
  return short(value < 10_000 ? Math.round(value / 100) * 100 : Math.round(value / 1_000) * 1_000);
}
