/**
 * What was bought, and trials, which stay listed for ever.
 */
import type { ReactNode } from 'react';
import type { LicencesAnswer, QuotaAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Chip } from '../parts/chip.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { words } from '../words/words.ts';

type Line = LicencesAnswer['licences'][number];
type Trial = QuotaAnswer['trials'][number];

const SPELL: readonly Column<Line>[] = [
  { name: 'First day (UTC)', cell: ({ startsOn }) => words.day(startsOn) },
  { name: 'Ends before', cell: ({ endsOn }) => (endsOn === null ? 'open' : words.day(endsOn)) },
];

export function Licences({ live, quota }: { live: Live<LicencesAnswer>; quota: Live<QuotaAnswer> }): ReactNode {
  const today = quota.data?.on;
  const columns: readonly Column<Line>[] = [
    { name: 'Licence', isHead: true, cell: ({ sku }) => sku },
    { name: 'Quantity', isFigure: true, cell: ({ quantity }) => words.count(quantity) },
    { name: 'Pack', isFigure: true, cell: ({ packSize }) => (packSize === undefined ? '–' : words.count(packSize)) },
    ...SPELL,
    { name: 'State', cell: (line) => <State line={line} today={today} /> },
  ];
  const trials = quota.data?.trials ?? [];
  return (
    <Panel
      title="Licences and trials"
      live={live}
      wide
      empty={({ licences }) => (licences.length + trials.length > 0 ? null : 'No licence is on record.')}
    >
      {({ licences, version }) => (
        <>
          <Table
            caption="Licence lines on record"
            columns={columns}
            rows={licences.filter(({ sku }) => sku !== 'trial')}
            keyOf={({ sku, quantity, packSize, startsOn, endsOn }) =>
              [sku, quantity, packSize, startsOn, endsOn].join()
            }
          />
          {trials.length > 0 && <Trials trials={trials} />}
          {version && (
            <p className="soft small">
              Changed {words.moment(version.at)} by {version.by}
              {version.because === '' ? '' : `: ${version.because}`}
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

function State({ line, today }: { line: Line; today: string | undefined }): ReactNode {
  if (today === undefined) return '–';
  if (line.startsOn > today) return <Chip tone="calm">to come</Chip>;
  return line.endsOn !== null && line.endsOn <= today ? (
    <Chip tone="calm">ended</Chip>
  ) : (
    <Chip tone="good">in force</Chip>
  );
}

const TRIAL_COLUMNS: readonly Column<Trial>[] = [
  {
    name: 'Trial of',
    isHead: true,
    cell: ({ packSize }) => (packSize === undefined ? 'features' : `${words.count(packSize)} people`),
  },
  ...SPELL,
  {
    name: 'State',
    cell: ({ state }) => <Chip tone={state === 'running' ? 'good' : 'calm'}>{state.replace('-', ' ')}</Chip>,
  },
];

function Trials({ trials }: { trials: readonly Trial[] }): ReactNode {
  return (
    <>
      <h3 className="heading">Trials</h3>
      <Table
        caption="Trials, ended ones too"
        columns={TRIAL_COLUMNS}
        rows={trials}
        keyOf={({ startsOn, endsOn, packSize }) => [startsOn, endsOn, packSize].join()}
      />
    </>
  );
}
