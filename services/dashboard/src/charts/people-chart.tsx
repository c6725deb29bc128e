/**
 * People day by day for a year, under the line of what is owned.
 */
import { entitlementsOn } from '@tally/metering/entitlements';
import type { EChartsCoreOption } from 'echarts/core';
import { type ReactNode, useCallback, useMemo } from 'react';
import type { LicencesAnswer } from '../api/answers.ts';
import { words } from '../words/words.ts';
import { axisOf, Chart, frame, isInReach } from './chart.tsx';
import type { ColourName, Colours } from './colours.ts';
import { licenceLines } from './licence-lines.ts';

const FEW_DAYS = 10;

interface Day {
  day: string;
  total: number;
  owned: number;
}

interface PeopleChartProps {
  /** `Engaged people`. */
  name: string;
  meter: 'engagedPeople' | 'unifiedPeople';
  colour: ColourName;
  days: readonly { day: string; total: number }[];
  licences: LicencesAnswer['licences'];
}

export function PeopleChart({ name, meter, colour, days: counted, licences }: PeopleChartProps): ReactNode {
  const days = useMemo(() => {
    const lines = licenceLines(licences);
    return counted.map(({ day, total }): Day => ({ day, total, owned: entitlementsOn(lines, day)[meter] }));
  }, [counted, licences, meter]);
  const isDrawn = isInReach(
    days.map(({ owned }) => owned),
    days.map(({ total }) => total),
  );
  const draw = useCallback(
    (colours: Colours) => optionOf(colours, { days, colour, name, isDrawn }),
    [days, colour, name, isDrawn],
  );
  const hasQuota = days.some(({ owned }) => owned > 0);
  return (
    <Chart
      label={labelOf(name, days)}
      entries={[
        { name, colour },
        ...(hasQuota ? [{ name: ownedName(days, isDrawn), colour: 'ink' as const, kind: 'line' as const }] : []),
      ]}
      draw={draw}
      table={{
        caption: `${name} on the last day of each month and today`,
        columns: [
          { name: 'Day (UTC)', isHead: true, cell: ({ day }) => words.day(day) },
          { name, isFigure: true, cell: ({ total }) => words.count(total) },
          { name: 'Owned', isFigure: true, cell: ({ owned }) => (owned > 0 ? words.count(owned) : '–') },
        ],
        rows: monthEnds(days),
        keyOf: ({ day }) => day,
      }}
    />
  );
}

function ownedName(days: readonly Day[], isDrawn: boolean): string {
  return isDrawn ? 'Owned' : `Owned, far above: ${words.count(days.at(-1)?.owned ?? 0)}`;
}

function labelOf(name: string, days: readonly Day[]): string {
  const peak = days.reduce<Day | undefined>((best, one) => (best && best.total >= one.total ? best : one), undefined);
  const last = days.at(-1);
  if (!peak || !last) return `${name}: none`;
  const over = days.filter(({ total, owned }) => owned > 0 && total > owned).length;
  const verdict = over > 0 ? `Over what is owned on ${words.count(over)} days.` : 'Never over what is owned.';
  return `${name} day by day for a year. ${words.count(last.total)} on ${words.day(last.day)}, highest ${words.count(peak.total)} on ${words.day(peak.day)}. ${verdict}`;
}

/** Newest first. */
function monthEnds(days: readonly Day[]): Day[] {
  return days.filter(({ day }, index) => day.slice(0, 7) !== days[index + 1]?.day.slice(0, 7)).reverse();
}

function optionOf(
  colours: Colours,
  { days, colour, name, isDrawn }: { days: readonly Day[]; colour: ColourName; name: string; isDrawn: boolean },
): EChartsCoreOption {
  const base = frame(colours, words.short);
  return {
    ...base,
    xAxis: axisOf(
      colours,
      days.map(({ day }) => day),
      {
        boundaryGap: false,
        axisLabel: {
          color: colours.soft,
          fontSize: 11,
          hideOverlap: true,
          interval: (_: number, day: string) => days.length < FEW_DAYS || day.endsWith('-01'),
          formatter: (day: string) =>
            days.length < FEW_DAYS ? words.shortDay(day) : words.shortMonth(day.slice(0, 7)),
        },
      },
    ),
    tooltip: {
      ...(base['tooltip'] as object),
      formatter: (points: readonly { dataIndex: number }[]) => {
        const at = days[points[0]?.dataIndex ?? -1];
        if (!at) return '';
        const owned = at.owned > 0 ? [`Owned ${words.count(at.owned)} (${words.percent(at.total / at.owned)})`] : [];
        return [`${words.day(at.day)}, UTC`, `${name} ${words.count(at.total)}`, ...owned].join('\n');
      },
    },
    series: [
      {
        name,
        type: 'line',
        // A line of few days is hardly one.
        symbol: days.length < FEW_DAYS ? 'circle' : 'none',
        symbolSize: 7,
        lineStyle: { color: colours[colour], width: 2 },
        areaStyle: { color: colours[colour], opacity: 0.14 },
        itemStyle: { color: colours[colour] },
        data: days.map(({ total }) => total),
      },
      {
        name: 'Owned',
        type: 'line',
        step: 'end',
        symbol: 'none',
        z: 5,
        lineStyle: { color: colours.ink, width: 2 },
        itemStyle: { color: colours.ink },
        data: days.map(({ owned }) => (isDrawn && owned > 0 ? owned : null)),
      },
    ],
  };
}
