/**
 * All rows behind a figure as a file, streamed: ClickHouse writes it, bytes pass through as fast as they are taken. An
 * answer that breaks off is an error, never a shorter file: text has ClickHouse's end mark behind it (see `streamRaw`),
 * Parquet a footer that is held against an independent count.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Asked, checkNarrowing, kindOf } from './asked.ts';
import { csvHeader } from './csv-header.ts';
import { wholeParquet } from './parquet-end.ts';
import { publishedUnified } from './published-unified.ts';
import { recountUnified } from './recount-unified.ts';
import { evidenceRows, type RowsSql } from './rows-sql.ts';
import { unifiedFile } from './unified-file.ts';

export const EXPORT_FORMATS = ['csv', 'parquet', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface EvidenceExport {
  /** Counted beforehand, by a question of its own; a file of these rows, or an error. */
  rows: number;
  /** The figure that they add up to: as many as there are rows; of unified people as many as there are persons. */
  counted: number;
  /** Throws `EXPORT_CUT` or `CLICKHOUSE_ANSWER_CUT`, both retriable, when it cannot be whole. */
  content: AsyncGenerator<Buffer>;
}

/** Throws `NARROWING_INVALID`, `POLICY_UNKNOWN` and, for unified people that nobody can tell any more, `EVIDENCE_NOT_KEPT`. */
export async function exportRows(clickhouse: ClickHouse, asked: Asked, format: ExportFormat): Promise<EvidenceExport> {
  checkNarrowing(asked);
  if (kindOf(asked.figure) === 'unified') {
    // Throws where it is not kept, which the recount only tells.
    await publishedUnified(clickhouse, asked);
    const { rows, counted } = await recountUnified(clickhouse, asked);
    return { rows: rows ?? 0, counted: counted ?? 0, content: unifiedFile(clickhouse, asked, format) };
  }
  const query = evidenceRows(asked, { moments: format === 'parquet' ? 'timestamp' : 'text' });
  const rows = await countRows(clickhouse, query);
  const content = format === 'parquet' ? parquet(clickhouse, query, rows) : text(clickhouse, query, format);
  return { rows, counted: rows, content };
}

async function countRows(clickhouse: ClickHouse, { from, params }: RowsSql): Promise<number> {
  const { rows } = await clickhouse.queryOne<{ rows: string }>(`SELECT count() AS rows FROM ${from}`, params);
  return Number(rows);
}

function parquet(clickhouse: ClickHouse, { selection, from, order, params }: RowsSql, rows: number) {
  const sql = `SELECT ${selection} FROM ${from} ORDER BY ${order}`;
  return wholeParquet(clickhouse.streamFormat(sql, 'Parquet', params), rows);
}

/** One after the other as ClickHouse's own formats write them; `formatRow` has them in a column, which can be guarded. */
const ROW_FORMATS = { csv: 'CSV', ndjson: 'JSONEachRow' } as const;

async function* text(
  clickhouse: ClickHouse,
  { columns, selection, from, order, params }: RowsSql,
  format: keyof typeof ROW_FORMATS,
): AsyncGenerator<Buffer> {
  const row = `formatRow('${ROW_FORMATS[format]}', ${selection})`;
  // With the first rows, so that nothing is sent before ClickHouse has begun to answer.
  let head = format === 'csv' ? csvHeader(columns) : undefined;
  for await (const chunk of clickhouse.streamRaw(`SELECT ${row} FROM ${from} ORDER BY ${order}`, params)) {
    yield head ? Buffer.concat([head, chunk]) : chunk;
    head = undefined;
  }
  if (head) yield head;
}
