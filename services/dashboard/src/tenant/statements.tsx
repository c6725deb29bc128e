/**
 * Statements that were issued, each with its files.
 */
import type { ReactNode } from 'react';
import type { StatementsAnswer } from '../api/answers.ts';
import { SELDOM_MS, useLive } from '../api/queries.ts';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { words } from '../words/words.ts';

type Statement = StatementsAnswer['statements'][number];

const FILES = [
  { name: 'PDF', ending: '.pdf' },
  { name: 'XLSX', ending: '.xlsx' },
  { name: 'CSV', ending: '.csv' },
  { name: 'JSON', ending: '' },
] as const;

export function Statements({ base }: { base: string }): ReactNode {
  const live = useLive<StatementsAnswer>(`${base}/statements`, SELDOM_MS);
  return (
    <Panel
      title="Statements"
      about="Once issued, a statement never changes; what becomes known later is an adjustment on the next one."
      live={live}
      wide
      empty={({ statements }) => (statements.length > 0 ? null : 'No statement has been issued yet.')}
    >
      {({ statements }) => (
        <Table
          caption="Statements, newest first"
          columns={columnsFor(base)}
          rows={[...statements].sort((a, b) => b.number - a.number)}
          keyOf={({ month }) => month}
        />
      )}
    </Panel>
  );
}

function columnsFor(base: string): readonly Column<Statement>[] {
  return [
    { name: 'Month', isHead: true, cell: ({ month }) => words.month(month) },
    { name: 'Number', isFigure: true, cell: ({ number }) => words.count(number) },
    { name: 'Interactions', isFigure: true, cell: ({ interactions }) => <Figure {...interactions} /> },
    {
      name: 'Engaged, highest day',
      isFigure: true,
      cell: ({ engagedPeoplePeak }) => <Figure {...engagedPeoplePeak} />,
    },
    {
      name: 'Unified, highest day',
      isFigure: true,
      cell: ({ unifiedPeoplePeak }) => <Figure {...unifiedPeoplePeak} />,
    },
    { name: 'Adjustments', isFigure: true, cell: ({ adjustments }) => words.count(adjustments) },
    { name: 'Issued', cell: ({ issuedAt }) => words.moment(issuedAt) },
    {
      name: 'Files',
      cell: ({ month }) => (
        <span className="files">
          {FILES.map(({ name, ending }) => (
            <a key={name} href={`${base}/statements/${month}${ending}`} download={`${month}${ending || '.json'}`}>
              {name}
              <span className="unseen"> of {words.month(month)}</span>
            </a>
          ))}
        </span>
      ),
    },
  ];
}

function Figure({ used, overage }: { used: number; overage: number }): ReactNode {
  return (
    <>
      {words.count(used)}
      {overage > 0 && <span className="under over-text">over by {words.count(overage)}</span>}
    </>
  );
}
