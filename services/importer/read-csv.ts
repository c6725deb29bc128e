/**
 * CSV as RFC 4180 describes it, with a header line. A row with a wrong number of fields is refused; quotes that never
 * close end the import, since no later row can be told from their content.
 */
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, TallyError } from '@tally/platform/errors';
import { type CsvError, parse } from 'csv-parse';
import { DELIMITERS, type DelimiterName, detectDelimiter } from './csv-delimiter.ts';
import { readBytes } from './read-bytes.ts';
import { notUtf8 } from './read-ndjson.ts';
import { checkHeader, KEPT_WHEN_EMPTY, type RowType } from './row-fields.ts';
import { type ReadOptions, ROWS_PER_BATCH_MAX, type SourceRow } from './source-row.ts';

const ROW_BYTES_MAX = 1024 * 1024;

export interface CsvOptions extends ReadOptions {
  type: RowType;
  ignoreUnknown: boolean;
  /** Default the one that the header line shows. */
  delimiter?: DelimiterName | undefined;
}

/** Batches of rows. Throws `HEADER_INVALID`, `CSV_INVALID`, `NOT_UTF8`, and what readBytes throws. */
export async function* readCsv(file: string, options: CsvOptions): AsyncGenerator<SourceRow[]> {
  let header: string[] | undefined;
  let batch: SourceRow[] = [];
  let row = 0;
  for await (const { cells, line } of csvCells(file, options)) {
    if (!header) {
      checkHeader(cells, options);
      header = cells;
      continue;
    }
    row++;
    if (row <= options.skipRows) continue;
    batch.push({
      row,
      line,
      bytes: cells.reduce((sum, cell) => sum + cell.length, 0),
      content: contentOf(cells, header),
    });
    if (batch.length < ROWS_PER_BATCH_MAX) continue;
    yield batch;
    batch = [];
  }
  if (!header) checkHeader([], options);
  if (batch.length > 0) yield batch;
}

function contentOf(cells: string[], header: string[]): SourceRow['content'] {
  if (cells.length !== header.length) {
    const detail = `the row has ${cells.length} fields, the header ${header.length}`;
    return { ok: false, code: 'wrong-field-count', detail, source: cells };
  }
  const fields: Record<string, unknown> = {};
  for (const [index, name] of header.entries()) {
    const cell = cells[index] ?? '';
    if (cell !== '' || KEPT_WHEN_EMPTY.has(name)) fields[name] = cell;
  }
  return { ok: true, fields };
}

interface Parsed {
  record: string[];
  info: { lines: number };
}

/** Rows of any CSV file as texts, the header among them. Throws `CSV_INVALID`, `NOT_UTF8`, and what readBytes throws. */
export async function* csvCells(
  file: string,
  { onBytes, ...options }: Pick<CsvOptions, 'onBytes' | 'delimiter'>,
): AsyncGenerator<{ cells: string[]; line: number }> {
  const { delimiter, chunks } = await detectDelimiter(checkedUtf8(readBytes(file, onBytes)), ROW_BYTES_MAX);
  const parser = parse({
    delimiter: DELIMITERS[options.delimiter ?? delimiter],
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: ROW_BYTES_MAX,
    info: true,
  });
  // A stream after the parser would be simpler to iterate, but its errors are the parser's own.
  const out = new PassThrough({ objectMode: true, highWaterMark: ROWS_PER_BATCH_MAX });
  const stop = new AbortController();
  const done = pipeline(chunks, parser, out, { signal: stop.signal });
  done.catch(() => undefined);
  try {
    for await (const { record, info } of out as AsyncIterable<Parsed>) yield { cells: record, line: info.lines };
    await done;
  } catch (cause) {
    throw cause instanceof TallyError ? cause : invalid(cause);
  } finally {
    stop.abort();
  }
}

/** The bytes as they are, or NOT_UTF8 at the first that cannot be; a character may be cut by a chunk's end. */
async function* checkedUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let lines = 1;
  const check = (chunk?: Buffer): void => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw notUtf8(`something after line ${lines}`);
    }
  };
  for await (const chunk of chunks) {
    check(chunk);
    yield chunk;
    for (const byte of chunk) if (byte === 0x0a) lines++;
  }
  check();
}

function invalid(cause: unknown): TallyError {
  const { lines } = cause as Partial<CsvError>;
  const place = lines === undefined ? '' : `line ${String(lines)}: `;
  // The parser's message may quote the row.
  const reason = isCsvError(cause) ? cause.code : messageOf(cause);
  return new TallyError(`${place}the file is not valid CSV (${reason})`, {
    code: 'CSV_INVALID',
    retriable: false,
    cause,
  });
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_');
}
