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

const GROUP_RECORDS = [5_000, 20_000, 60_000, 120_000, 240_000];
const PARTITIONS = [1, 4, 16, 64];
const CONSUMERS = [1, 2, 4];

const TITLES = {
  'group records': 'by records in an insert, at most',
  partitions: 'by partitions',
  consumers: 'by consumer processes',
} as const;

/** Of the scale, which has four lines. */
const TOP_STEP = 40_000;
const LINES = 4;

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
    const filled = await fillIngest(bench, { ...plan, ...different });
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
export function drawSweep(points: readonly SweepPoint[], file: string): void {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 300 });
  chart.setOption(optionOf(points));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, chart.renderToSVGString());
  chart.dispose();
}

function optionOf(points: readonly SweepPoint[]): EChartsCoreOption {
  const names = Object.keys(TITLES) as SweepPoint['by'][];
  const top = Math.ceil(Math.max(...points.map(({ run }) => run.eventsPerSecond)) / TOP_STEP) * TOP_STEP;
  const place = (index: number) => ({ left: `${6 + index * 32}%`, width: '26%' });
  const text = { color: '#57606a', fontFamily: 'sans-serif' };
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: names.map((by, index) => ({
      text: `events/s ${TITLES[by]}`,
      left: place(index).left,
      top: 8,
      textStyle: { ...text, fontSize: 13, fontWeight: 'normal' },
    })),
    grid: names.map((_, index) => ({ ...place(index), top: 44, bottom: 32 })),
    xAxis: names.map((by, gridIndex) => ({
      type: 'category',
      gridIndex,
      data: points.filter((point) => point.by === by).map(({ value }) => short(value)),
      axisLabel: { ...text, interval: 0 },
    })),
    yAxis: names.map((_, gridIndex) => ({
      type: 'value',
      gridIndex,
      min: 0,
      max: top,
      interval: top / LINES,
      axisLabel: { ...text, formatter: short },
    })),
    series: names.map((by, index) => ({
      type: 'line',
      xAxisIndex: index,
      yAxisIndex: index,
      color: '#2f6fde',
      data: points.filter((point) => point.by === by).map(({ run }) => run.eventsPerSecond),
    })),
  };
}

/** 60k for 60,000. */
function short(value: number): string {
  return value < 1_000 ? String(value) : `${value / 1_000}k`;
}
