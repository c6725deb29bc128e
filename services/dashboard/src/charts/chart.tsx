/**
 * A chart with its key and, for who cannot see or point, the same figures as a table.
 */
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Table, type TableProps } from '../parts/table.tsx';
import { useShade } from '../theme.ts';
import { type ColourName, type Colours, coloursOf } from './colours.ts';

export interface KeyEntry {
  name: string;
  colour: ColourName;
  kind?: 'area' | 'line' | 'dashed' | 'pale';
}

interface ChartProps<Row> {
  /** What is seen, in a sentence. */
  label: string;
  entries: readonly KeyEntry[];
  draw: (colours: Colours) => EChartsCoreOption;
  table: TableProps<Row>;
}

const FONT = 'Noto Sans, sans-serif';

export function Chart<Row>({ label, entries, draw, table }: ChartProps<Row>): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <figure className="chart">
      <ul className="key" aria-hidden="true">
        {entries.map(({ name, colour, kind = 'area' }) => (
          <li key={name}>
            <span className={`swatch ${kind} ${colour}`} />
            {name}
          </li>
        ))}
      </ul>
      <Canvas label={label} draw={draw} />
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>As a table</summary>
        {isOpen && <Table {...table} />}
      </details>
    </figure>
  );
}

/** Whoever asked for less motion gets none. */
const STILL = '(prefers-reduced-motion: reduce)';

function Canvas({ label, draw }: { label: string; draw: (colours: Colours) => EChartsCoreOption }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<EChartsType>();
  const shade = useShade();
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let made: EChartsType | undefined;
    let isGone = false;
    void Promise.all([import('./echarts.ts'), document.fonts.ready]).then(([{ init }]) => {
      if (isGone) return;
      made = init(element);
      setChart(made);
    });
    const sizes = new ResizeObserver(() => made?.resize());
    sizes.observe(element);
    return () => {
      isGone = true;
      sizes.disconnect();
      made?.dispose();
    };
  }, []);
  useEffect(() => {
    const element = place.current;
    if (!chart || chart.isDisposed() || !element) return;
    const colours = coloursOf(element);
    const isStill = window.matchMedia(STILL).matches;
    chart.setOption(
      {
        // `shade` is what the colours hang on.
        darkMode: shade === 'dark',
        animation: !isStill,
        animationDuration: 300,
        textStyle: { fontFamily: FONT, color: colours.soft },
        grid: { left: 4, right: 8, top: 10, bottom: 6, outerBoundsMode: 'same' },
        ...draw(colours),
      },
      { replaceMerge: ['series', 'xAxis', 'yAxis'] },
    );
  }, [chart, draw, shade]);
  return <div ref={place} className="canvas" role="img" aria-label={label} />;
}

/** Axes and tooltip as every chart has them. */
export function frame(colours: Colours, valueText: (value: number) => string): EChartsCoreOption {
  return {
    yAxis: {
      type: 'value',
      splitNumber: 4,
      splitLine: { lineStyle: { color: colours.line } },
      axisLabel: { color: colours.soft, fontSize: 11, formatter: valueText },
    },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours.line,
      borderWidth: 1,
      padding: [8, 12],
      textStyle: { color: colours.ink, fontSize: 12, fontFamily: FONT, lineHeight: 18 },
      axisPointer: { lineStyle: { color: colours.soft }, shadowStyle: { color: colours.line, opacity: 0.4 } },
    },
  };
}

/** A category axis below. */
export function axisOf(colours: Colours, labels: readonly string[], more: object = {}): object {
  return {
    type: 'category',
    data: [...labels],
    axisLine: { lineStyle: { color: colours.soft } },
    axisTick: { show: false },
    axisLabel: { color: colours.soft, fontSize: 11, hideOverlap: true },
    ...more,
  };
}

/** A limit that is this many times the highest figure would press all of them to the ground. */
const FAR_ABOVE = 4;

/** Whether the line of what is owned is drawn: where it is far above everything used, its name says how much it is. */
export function isInReach(owned: readonly number[], used: readonly number[]): boolean {
  const lowest = Math.min(...owned.filter((value) => value > 0));
  return lowest <= FAR_ABOVE * Math.max(0, ...used);
}
