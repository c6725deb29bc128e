/**
 * What could not count, by its reason.
 */
import type { ReactNode } from 'react';
import type { DeadLettersAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { named, words } from '../words/words.ts';

type Reason = DeadLettersAnswer['byReason'][number];
type Letter = DeadLettersAnswer['newest'][number];

const REASONS: readonly Column<Reason>[] = [
  { name: 'Reason', isHead: true, cell: ({ reason }) => named(reason) },
  { name: 'Open', isFigure: true, cell: ({ open }) => <strong>{words.count(open)}</strong> },
  { name: 'Retried', isFigure: true, cell: ({ retried }) => words.count(retried) },
  { name: 'Discarded', isFigure: true, cell: ({ discarded }) => words.count(discarded) },
  { name: 'Newest', cell: ({ newestAt }) => words.moment(newestAt) },
];
const LETTERS: readonly Column<Letter>[] = [
  { name: 'From', isHead: true, cell: ({ origin }) => <code>{origin}</code> },
  { name: 'Reason', cell: ({ reason }) => named(reason) },
  { name: 'In detail', cell: ({ detail }) => detail },
  { name: 'When', cell: ({ at }) => words.moment(at) },
];

export function DeadLetters({ live }: { live: Live<DeadLettersAnswer> }): ReactNode {
  return (
    <Panel
      title="Dead letters"
      about={
        <>
          Kept byte for byte until they are dealt with: <code>tally dead-letters retry</code> or <code>discard</code>.
        </>
      }
      live={live}
      wide
      empty={({ total }) => (total > 0 ? null : 'Nothing was refused: every record so far could count.')}
    >
      {({ byReason, newest }) => (
        <>
          <Table caption="Dead letters by reason" columns={REASONS} rows={byReason} keyOf={({ reason }) => reason} />
          <details>
            <summary>The newest {words.count(newest.length)}</summary>
            <Table caption="The newest dead letters" columns={LETTERS} rows={newest} keyOf={({ origin }) => origin} />
          </details>
        </>
      )}
    </Panel>
  );
}
