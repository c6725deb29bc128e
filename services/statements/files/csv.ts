/**
 * A statement as one flat table: a row for each thing it says, so that it can be filtered and pivoted, and read by a
 * program without knowing the document. RFC 4180: UTF-8 without a byte order mark, CRLF, quotes where needed.
 *
 * A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, tab, carriage return or the full
 * width form of one of them) gets a `'` before it, in every column. Numbers never do: `-12` stays `-12`.
 */
import { stringify } from 'csv-stringify/sync';
import type { Statement } from '../document.ts';
import { rowsOf } from './rows.ts';

export const CSV_COLUMNS = [
  'tenant',
  'month',
  'number',
  'section',
  'figure',
  'dimension',
  'key',
  'value',
  'unit',
  'text',
] as const;

/** The bytes of the CSV file. `value` holds numbers alone, `text` everything else: days, moments, names, digests. */
export function csvOf(statement: Statement): Uint8Array {
  const { tenantId, month, number } = statement;
  const rows = rowsOf(statement).map(({ section, figure, dimension, key, value, unit, text }) => [
    tenantId,
    month,
    number,
    section,
    figure,
    dimension,
    key,
    value,
    unit,
    text,
  ]);
  return Buffer.from(csvLines([[...CSV_COLUMNS], ...rows]), 'utf8');
}

/** Lines of any table of ours, as those of statements are; a cell that is null is empty. */
export function csvLines(rows: readonly (readonly (string | number | null)[])[]): string {
  return stringify(rows as (string | number | null)[][], {
    record_delimiter: '\r\n',
    escape_formulas: true,
  }).toWellFormed();
}
