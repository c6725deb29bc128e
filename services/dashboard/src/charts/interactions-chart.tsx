/**
 * Interactions by month and channel under the line of what is owned; where this month is heading stands pale upon it.
 */
import { interactionAllowance } from '@tally/metering/entitlements';
import type { EChartsCoreOption } from 'echarts/core';
import { type ReactNode, useCallback, useMemo } from 'react';
import type { InteractionsAnswer, LicencesAnswer, QuotaAnswer } from '../api/answers.ts';
import type { Column } from '../parts/table.tsx';
import { named, words } from '../words/words.ts';
import { axisOf, Chart, frame, isInReach } from './chart.tsx';
import { CHANNEL_COLOURS, type ColourName, type Colours } from './colours.ts';
import { licenceLines } from './licence-lines.ts';

type Month = InteractionsAnswer['months'][number] & { allowance: number; projected: number };

/** In the order in which they are stacked; what is not among them follows. */
const CHANNELS = ['email', 'sms', 'push', 'voice', 'form_submission', 'custom'];

export function InteractionsChart(props: {
  months: InteractionsAnswer['months'];
  licences: LicencesAnswer['licences'];
  now: QuotaAnswer['interactions'];
}): ReactNode {
  const { months: counted, licences, now } = props;
  const lines = useMemo(() => licenceLines(licences), [licences]);
  const months = useMemo(
    () =>
      counted.map((one): Month => {
        const isNow = one.month === now.month;
        const projected = isNow && now.projected !== null ? Math.max(0, now.projected - one.total) : 0;
        return { ...one, allowance: interactionAllowance(lines, one.month), projected };
      }),
    [counted, lines, now],
  );
  const channels = useMemo(() => channelsOf(months), [months]);
  const allowances = months.map(({ allowance }) => allowance);
  const hasAllowance = allowances.some((allowance) => allowance > 0);
  const isDrawn = isInReach(
    allowances,
    months.map(({ total, projected }) => total + projected),
  );
  const draw = useCallback(
    (colours: Colours) => optionOf(colours, { months, channels, isDrawn }),
    [months, channels, isDrawn],
  );
  const over = months.filter(({ total, allowance }) => allowance > 0 && total > allowance);
  return (
    <Chart
      label={labelOf(months, over)}
      entries={[
        ...channels.map((name, index) => ({ name: named(name), colour: colourOf(index) })),
        { name: 'Expected by the month’s end', colour: 'faint' as const, kind: 'pale' as const },
        ...(hasAllowance
          ? [{ name: allowanceName(allowances, isDrawn), colour: 'ink' as const, kind: 'line' as const }]
          : []),
      ]}
      draw={draw}
      table={{
        caption: 'Interactions by month and channel, with the allowance',
        columns: columnsOf(channels),
        rows: [...months].reverse(),
        keyOf: ({ month }) => month,
      }}
    />
  );
}

function allowanceName(allowances: readonly number[], isDrawn: boolean): string {
  return isDrawn ? 'Allowance' : `Allowance, far above: ${words.count(allowances.at(-1) ?? 0)}`;
}

function labelOf(months: readonly Month[], over: readonly Month[]): string {
  const highest = months.reduce<Month | undefined>(
    (best, one) => (best && best.total >= one.total ? best : one),
    undefined,
  );
  if (!highest) return 'Interactions by month and channel: none';
  const names = over.map(({ month }) => words.month(month)).join(', ');
  const verdict = over.length > 0 ? `Over the allowance in ${names}.` : 'Never over the allowance.';
  return `Interactions by month and channel. Highest in ${words.month(highest.month)} with ${words.count(highest.total)}. ${verdict}`;
}

function columnsOf(channels: readonly string[]): Column<Month>[] {
  return [
    { name: 'Month', isHead: true, cell: ({ month }) => words.month(month) },
    ...channels.map((channel) => ({
      name: named(channel),
      isFigure: true,
      cell: ({ byChannel }: Month) => words.count(byChannel[channel] ?? 0),
    })),
    { name: 'Total', isFigure: true, cell: ({ total }) => <strong>{words.count(total)}</strong> },
    { name: 'Allowance', isFigure: true, cell: ({ allowance }) => (allowance > 0 ? words.count(allowance) : '–') },
  ];
}

function channelsOf(months: readonly Month[]): string[] {
  const seen = new Set(months.flatMap(({ byChannel }) => Object.keys(byChannel)));
  return [
    ...CHANNELS.filter((channel) => seen.has(channel)),
    ...[...seen].filter((one) => !CHANNELS.includes(one)).sort(),
  ];
}

function colourOf(index: number): ColourName {
  return CHANNEL_COLOURS[index % CHANNEL_COLOURS.length] ?? 'accent';
}

function optionOf(
  colours: Colours,
  { months, channels, isDrawn }: { months: readonly Month[]; channels: readonly string[]; isDrawn: boolean },
): EChartsCoreOption {
  const isOver = (index: number): boolean => {
    const month = months[index];
    return month !== undefined && month.allowance > 0 && month.total > month.allowance;
  };
  const labels = months.map(({ month }) => words.shortMonth(month));
  return {
    ...frame(colours, words.short),
    xAxis: axisOf(colours, labels, {
      axisLabel: {
        fontSize: 11,
        hideOverlap: true,
        color: colours.soft,
        formatter: (label: string, index: number) => (isOver(index) ? `{over|${label}}` : label),
        rich: { over: { color: colours.over, fontWeight: 700, fontSize: 11 } },
      },
    }),
    tooltip: {
      ...(frame(colours, words.short)['tooltip'] as object),
      axisPointer: { type: 'shadow', shadowStyle: { color: colours.line, opacity: 0.4 } },
      formatter: (points: readonly { dataIndex: number }[]) => tip(months[points[0]?.dataIndex ?? -1], channels),
    },
    series: [
      ...channels.map((channel, index) => ({
        name: named(channel),
        type: 'bar',
        stack: 'month',
        barMaxWidth: 44,
        barCategoryGap: '28%',
        itemStyle: { color: colours[colourOf(index)], borderColor: colours.surface, borderWidth: 0.5 },
        data: months.map(({ byChannel }) => byChannel[channel] ?? 0),
      })),
      {
        name: 'Expected',
        type: 'bar',
        stack: 'month',
        itemStyle: { color: colours.faint, borderColor: colours.soft, borderWidth: 1, borderType: 'dashed' },
        data: months.map(({ projected }) => (projected > 0 ? projected : null)),
      },
      {
        name: 'Allowance',
        type: 'line',
        step: 'middle',
        symbol: 'none',
        z: 5,
        lineStyle: { color: colours.ink, width: 2 },
        data: months.map(({ allowance }) => (isDrawn && allowance > 0 ? allowance : null)),
      },
    ],
  };
}

function tip(month: Month | undefined, channels: readonly string[]): string {
  if (!month) return '';
  const { byChannel, total, allowance, projected } = month;
  return [
    words.month(month.month),
    `Total ${words.count(total)}`,
    ...channels.filter((one) => byChannel[one]).map((one) => `${named(one)} ${words.count(byChannel[one] ?? 0)}`),
    ...(projected > 0 ? [`Expected by its end ${words.count(total + projected)}`] : []),
    ...(allowance > 0 ? [`Allowance ${words.count(allowance)} (${words.percent(total / allowance)})`] : []),
  ].join('\n');
}
