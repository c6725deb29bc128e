/**
 * The identity: from start to committed, every position of the log has exactly one outcome.
 */
import type { ReactNode } from 'react';
import type { LedgerAnswer, LedgerPartition } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Chip } from '../parts/chip.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { words } from '../words/words.ts';

type Counted = 'start' | 'committed' | 'counted' | 'duplicate' | 'conflicting' | 'void' | 'suppressed' | 'deadLetter';

const figure = (name: string, of: Counted): Column<LedgerPartition> => ({
  name,
  isFigure: true,
  cell: (partition) => words.count(partition[of]),
});

const COLUMNS: readonly Column<LedgerPartition>[] = [
  {
    name: 'Partition',
    isHead: true,
    cell: ({ topic, partition, epoch, closed }) => (
      <>
        {topic} / {partition}
        {(epoch > 1 || closed) && (
          <span className="soft">
            {' '}
            epoch {epoch}
            {closed ? ', closed' : ''}
          </span>
        )}
      </>
    ),
  },
  figure('From', 'start'),
  figure('Up to', 'committed'),
  figure('Counted', 'counted'),
  figure('Duplicate', 'duplicate'),
  figure('Conflicting', 'conflicting'),
  figure('Void', 'void'),
  figure('Suppressed', 'suppressed'),
  figure('Dead letter', 'deadLetter'),
  {
    name: 'Waiting',
    isFigure: true,
    cell: ({ end, committed, closed }) => (closed ? '–' : words.count(Math.max(0, end - committed))),
  },
  {
    name: 'Identity',
    cell: ({ balanced }) => <Chip tone={balanced ? 'good' : 'bad'}>{balanced ? 'balanced' : 'not balanced'}</Chip>,
  },
];

export function Ledger({ live }: { live: Live<LedgerAnswer> }): ReactNode {
  return (
    <Panel
      title="Ledger"
      about="Every position of the log has exactly one outcome, so each line adds up from its first position to its last."
      live={live}
      wide
      lines={8}
      empty={({ partitions }) => (partitions.length > 0 ? null : 'Nothing is metered yet.')}
    >
      {({ partitions }) => (
        <div className="dense">
          <Table
            caption="The ledger by partition"
            columns={COLUMNS}
            rows={partitions}
            keyOf={({ topic, epoch, partition }) => `${topic}/${epoch}/${partition}`}
            toneOf={({ balanced }) => (balanced ? undefined : 'row-bad')}
          />
        </div>
      )}
    </Panel>
  );
}
