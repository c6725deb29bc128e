/**
 * When figures were worked out, and what failed.
 */
import type { ReactNode } from 'react';
import type { RunsAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Chip } from '../parts/chip.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { named, words } from '../words/words.ts';
import { shownRuns } from './shown-runs.ts';

type Run = RunsAnswer['runs'][number];

const MS_PER_SECOND = 1_000;

const COLUMNS: readonly Column<Run>[] = [
  { name: 'Job', isHead: true, cell: ({ job }) => named(job) },
  { name: 'Started', cell: ({ startedAt }) => words.moment(startedAt) },
  { name: 'Seconds', isFigure: true, cell: ({ durationMs }) => (durationMs / MS_PER_SECOND).toFixed(1) },
  { name: 'Tenants', isFigure: true, cell: ({ tenants }) => words.count(tenants) },
  { name: 'Published', isFigure: true, cell: ({ published }) => words.count(published) },
  { name: 'Waiting', isFigure: true, cell: ({ waiting }) => words.count(waiting) },
  {
    name: 'Outcome',
    cell: ({ outcome, error }) => (
      <>
        <Chip tone={outcome === 'succeeded' ? 'good' : outcome === 'failed' ? 'bad' : 'warn'}>{outcome}</Chip>
        {error !== '' && <span className="under">{error}</span>}
      </>
    ),
  },
];

export function Runs({ live }: { live: Live<RunsAnswer> }): ReactNode {
  return (
    <Panel
      title="Runs"
      about="The newest of each job, and before them those that did something or failed."
      live={live}
      wide
      empty={({ runs }) => (runs.length > 0 ? null : 'Nothing has run yet: there are no figures.')}
    >
      {({ runs }) => (
        <Table caption="Runs, newest first" columns={COLUMNS} rows={shownRuns(runs)} keyOf={({ runId }) => runId} />
      )}
    </Panel>
  );
}
