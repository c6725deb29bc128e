/**
 * A part of a page with an answer behind it: while it loads, when there is nothing, when it cannot be had, and as it is.
 */
import { type ReactNode, useId } from 'react';
import type { Live } from '../api/queries.ts';
import { ApiFault } from '../api/request.ts';
import { words } from '../words/words.ts';
import { CsvLink } from './csv-link.tsx';

export interface PanelProps<Answer> {
  title: string;
  /** One sentence under the title. */
  about?: ReactNode;
  live: Live<Answer>;
  children: (answer: Answer) => ReactNode;
  /** What is said instead where there is nothing to show. */
  empty?: (answer: Answer) => string | null;
  /** Lines that the skeleton stands for. */
  lines?: number;
  wide?: boolean;
  /** The call whose answer is to be had as CSV. */
  csv?: string;
}

export function Panel<Answer>(props: PanelProps<Answer>): ReactNode {
  const { title, about, live, children, empty, lines = 4, wide, csv } = props;
  const id = useId();
  const nothing = live.data === undefined ? null : (empty?.(live.data) ?? null);
  return (
    <section className={wide ? 'panel wide' : 'panel'} aria-labelledby={id} aria-busy={live.isPending}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        <span className="panel-end">
          <AsOf live={live} />
          {csv !== undefined && live.data !== undefined && nothing === null && <CsvLink path={csv} of={title} />}
        </span>
      </header>
      {about !== undefined && <p className="about">{about}</p>}
      {live.data === undefined ? (
        <Waiting live={live} lines={lines} />
      ) : nothing !== null ? (
        <p className="nothing">{nothing}</p>
      ) : (
        children(live.data)
      )}
    </section>
  );
}

/** When the figures are from; told plainly where they get older than they should. */
export function AsOf({ live }: { live: Live<unknown> }): ReactNode {
  if (live.dataUpdatedAt === 0) return null;
  const at = words.clock(live.dataUpdatedAt);
  return live.error ? <span className="as-of late">still as of {at}</span> : <span className="as-of">as of {at}</span>;
}

export function Waiting({ live, lines }: { live: Live<unknown>; lines: number }): ReactNode {
  if (!live.error) {
    return (
      <div className="skeleton">
        <span className="unseen">Loading…</span>
        {Array.from({ length: lines }, (_, line) => (
          <span key={line} aria-hidden="true" />
        ))}
      </div>
    );
  }
  const isForbidden = live.error instanceof ApiFault && live.error.status === 403;
  return (
    <div className="note bad">
      <p>{isForbidden ? 'Your key does not allow this.' : live.error.message}</p>
      {!isForbidden && (
        <button type="button" onClick={() => void live.refetch()}>
          Try again
        </button>
      )}
    </div>
  );
}
