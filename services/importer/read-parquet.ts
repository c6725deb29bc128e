/**
 * Parquet, row group by row group: memory is that of one group's columns, whatever the file's size.
 */
import { isUtf8 } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { messageOf, TallyError } from '@tally/platform/errors';
import { asyncBufferFromFile, parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { notUtf8 } from './read-ndjson.ts';
import { checkHeader, type RowType } from './row-fields.ts';
import { type ReadOptions, ROWS_PER_BATCH_MAX, type SourceRow } from './source-row.ts';

/** A group must fit into memory; writers make them a hundred times smaller. */
const GROUP_BYTES_MAX = 2 * 1024 ** 3;

export interface ParquetOptions extends ReadOptions {
  type: RowType;
  ignoreUnknown: boolean;
}

/** hyparquet would put U+FFFD in the place of wrong bytes, and two ids could become one. JSON is parsed later. */
const parsers = { stringFromBytes: textOf, jsonFromBytes: textOf };

/** Batches of rows. Throws `PARQUET_INVALID`, `HEADER_INVALID`, `NOT_UTF8`. */
export async function* readParquet(file: string, options: ParquetOptions): AsyncGenerator<SourceRow[]> {
  const { columns, groups, scan } = await openParquet(file);
  checkHeader(columns, options);
  const { size } = await stat(file);
  let start = 0;
  for (const [index, { rows, bytes }] of groups.entries()) {
    const end = start + rows;
    options.onBytes(Math.floor((size * index) / groups.length));
    if (bytes > GROUP_BYTES_MAX) throw invalid(`row group ${index} has ${bytes} bytes, at most ${GROUP_BYTES_MAX}`);
    if (end > options.skipRows && rows > 0) {
      const data = await groupOf(scan, { index, columns, start, end });
      for (let from = Math.max(start, options.skipRows); from < end; from += ROWS_PER_BATCH_MAX) {
        yield rowsOf(data, { start, from, to: Math.min(from + ROWS_PER_BATCH_MAX, end) });
      }
    }
    start = end;
  }
  options.onBytes(size);
}

type Scan = Awaited<ReturnType<typeof parquetScan>>;
type Columns = ReadonlyMap<string, ArrayLike<unknown>>;

async function openParquet(file: string) {
  try {
    const source = await asyncBufferFromFile(file);
    if (source.byteLength < 12) throw new Error('the file is too short');
    // Statistics of the columns may hold text cut in the middle of a character: the strict parsers are for the data.
    const metadata = await parquetMetadataAsync(source);
    const scan = await parquetScan({ file: source, metadata, compressors, parsers });
    return {
      scan,
      columns: parquetSchema(metadata).children.map(({ element }) => element.name),
      groups: metadata.row_groups.map(({ num_rows, total_byte_size }) => ({
        rows: Number(num_rows),
        bytes: Number(total_byte_size),
      })),
    };
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

async function groupOf(
  scan: Scan,
  { index, columns, start, end }: { index: number; columns: readonly string[]; start: number; end: number },
): Promise<Columns> {
  const data = new Map<string, ArrayLike<unknown>>();
  try {
    for (const column of columns) {
      const values = await scan.readColumn({ column, rowStart: start, rowEnd: end });
      if (values.length !== end - start) throw new Error(`column ${column} has ${values.length} values`);
      data.set(column, values);
    }
    return data;
  } catch (cause) {
    throw cause instanceof TallyError ? cause : invalid(`row group ${index}: ${messageOf(cause)}`, cause);
  }
}

function rowsOf(data: Columns, { start, from, to }: { start: number; from: number; to: number }): SourceRow[] {
  const rows: SourceRow[] = [];
  for (let at = from; at < to; at++) {
    const fields: Record<string, unknown> = {};
    let bytes = 0;
    for (const [name, values] of data) {
      const value = values[at - start];
      if (value === null || value === undefined) continue;
      fields[name] = value;
      bytes += typeof value === 'string' ? value.length : 8;
    }
    rows.push({ row: at + 1, bytes, content: { ok: true, fields } });
  }
  return rows;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes === null) return undefined;
  if (!isUtf8(bytes)) throw notUtf8('a text column of the file');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function invalid(detail: string, cause?: unknown): TallyError {
  return new TallyError(`the file is not valid Parquet: ${detail}`, {
    code: 'PARQUET_INVALID',
    retriable: false,
    cause,
  });
}
