/**
 * What the licence year asks for so far.
 */
import { addDays } from '@tally/metering/calendar';
import { licenceYearOn } from '@tally/metering/licence-year';
import type { ReactNode } from 'react';
import type { LicencesAnswer, TrueUpAnswer } from '../api/answers.ts';
import { type Live, SELDOM_MS, useLive } from '../api/queries.ts';
import { licenceLines } from '../charts/licence-lines.ts';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { words } from '../words/words.ts';

interface Row {
  name: string;
  peak: number;
  peakOn: string | null;
  shortfall: number;
  shortfallOn: string | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'Meter', isHead: true, cell: ({ name }) => name },
  { name: 'Highest so far', isFigure: true, cell: ({ peak }) => words.count(peak) },
  { name: 'On', cell: ({ peakOn }) => dayOrMonth(peakOn) },
  {
    name: 'Most missing, in people',
    isFigure: true,
    cell: ({ shortfall }) => <span className={shortfall > 0 ? 'over-text' : undefined}>{words.count(shortfall)}</span>,
  },
  { name: 'Missing on', cell: ({ shortfallOn }) => dayOrMonth(shortfallOn) },
];

export function TrueUp(props: { base: string; today: string; licences: Live<LicencesAnswer> }): ReactNode {
  const { base, today, licences } = props;
  const year = licences.data ? licenceYearOn(licenceLines(licences.data.licences), today) : undefined;
  const live = useLive<TrueUpAnswer>(`${base}/true-up?licenceYear=${year?.from ?? ''}`, SELDOM_MS, {
    enabled: year != null,
  });
  // Without the licences it is not known which year to ask for: then it is they that load, or cannot be had.
  if (year == null) {
    return (
      <Panel
        title="True-up so far"
        live={licences}
        empty={() => 'No licence is in force, so there is no licence year.'}
      >
        {() => null}
      </Panel>
    );
  }
  return (
    <Panel title="True-up so far" about={yearWords(year)} live={live}>
      {(answer) => (
        <>
          <p className={answer.peopleToBuy + answer.unifiedPeopleToBuy > 0 ? 'verdict bad' : 'verdict good'}>
            {buyWords(answer)}
          </p>
          <Table
            caption="Peaks of the licence year and what was missing"
            columns={COLUMNS}
            rows={rowsOf(answer)}
            keyOf={({ name }) => name}
          />
        </>
      )}
    </Panel>
  );
}

function yearWords({ from, until }: { from: string; until: string }): string {
  return `Licence year ${words.day(from)} to ${words.day(addDays(until, -1))}, UTC. Quota must be owned for the year’s peak.`;
}

function buyWords({ peopleToBuy, unifiedPeopleToBuy, packs, unifiedPacks }: TrueUpAnswer): string {
  if (peopleToBuy + unifiedPeopleToBuy === 0) return 'Nothing to buy for the year so far.';
  const chosen = [...packs, ...unifiedPacks].map(
    ({ sku, packSize, quantity }) => `${words.count(quantity)} × ${sku} of ${words.count(packSize)}`,
  );
  const covered = chosen.length > 0 ? ` Covered by ${chosen.join(', ')}.` : '';
  return `To buy: ${words.count(peopleToBuy)} engaged people, ${words.count(unifiedPeopleToBuy)} unified people.${covered}`;
}

function rowsOf({ interactions, engaged, unified }: TrueUpAnswer): Row[] {
  const ofDays = (name: string, { peak, peakDay, shortfall, shortfallDay }: TrueUpAnswer['engaged']): Row => ({
    name,
    peak,
    peakOn: peakDay,
    shortfall,
    shortfallOn: shortfallDay,
  });
  return [
    {
      name: 'Interactions in a month',
      peak: interactions.peak,
      peakOn: interactions.peakMonth,
      shortfall: interactions.shortfallPeople,
      shortfallOn: interactions.shortfallMonth,
    },
    ofDays('Engaged people', engaged),
    ofDays('Unified people', unified),
  ];
}

function dayOrMonth(text: string | null): string {
  if (text === null) return '–';
  return text.length > 'YYYY-MM'.length ? words.day(text) : words.month(text);
}
