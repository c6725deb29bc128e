/**
 * The rows behind a figure, page by page. Each page is read within the statement's bounds, so pages that are read on
 * different days still add up to the figure.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Asked, checkNarrowing, kindOf } from './asked.ts';
import { evidenceRows } from './rows-sql.ts';
import { unifiedPage } from './unified-rows.ts';

export type EvidenceRow = Record<string, string | number>;

export interface EvidencePage {
  columns: readonly string[];
  rows: EvidenceRow[];
  /** The `after` of the next page; null after the last row. */
  next: string | null;
}

const CURSOR = 'cursor';

/** Rows in one page. */
export const PAGE_ROWS_MAX = 10_000;

/**
 * At most `limit` rows after the one with the cursor `after`. Throws `CURSOR_INVALID`, `NARROWING_INVALID` and, for unified
 * people that cannot be told any more, `EVIDENCE_NOT_KEPT`.
 */
export async function page(
  clickhouse: ClickHouse,
  { after, limit, ...asked }: Asked & { after?: string | undefined; limit: number },
): Promise<EvidencePage> {
  checkNarrowing(asked);
  const from = after === undefined ? {} : { after };
  if (kindOf(asked.figure) === 'unified') return unifiedPage(clickhouse, asked, { ...from, limit });
  const { columns, selection, cursor, from: source, order, params } = evidenceRows(asked, { moments: 'text', ...from });
  // One more than is told, to know whether there are more.
  const found = await clickhouse.query<EvidenceRow>(
    `SELECT ${selection}, ${cursor} AS ${CURSOR} FROM ${source} ORDER BY ${order} LIMIT {limit:UInt32}`,
    { ...params, limit: limit + 1 },
  );
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return {
    columns,
    rows: rows.map(({ [CURSOR]: _, ...row }) => row),
    next: last === undefined ? null : String(last[CURSOR]),
  };
}
