/**
 * The rows behind unified people as a file. Who is one person is worked out here, so the file is written here too, some
 * thousand rows at a time.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { stringify } from 'csv-stringify/sync';
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Asked } from './asked.ts';
import { csvHeader } from './csv-header.ts';
import { UNIFIED_COLUMNS, type UnifiedRow, unifiedRows } from './unified-rows.ts';

const ROWS_PER_CHUNK = 10_000;

/** The file, in chunks; as `unifiedRows` throws in the middle, there is no end of a file then. */
export async function* unifiedFile(
  clickhouse: ClickHouse,
  asked: Asked,
  format: 'csv' | 'parquet' | 'ndjson',
): AsyncGenerator<Buffer> {
  const chunks = inChunks(unifiedRows(clickhouse, asked));
  if (format === 'parquet') {
    yield* parquetFile(chunks);
    return;
  }
  if (format === 'csv') yield csvHeader(UNIFIED_COLUMNS);
  for await (const rows of chunks) {
    const text =
      format === 'csv'
        ? stringify(rows, { columns: [...UNIFIED_COLUMNS], quoted: true })
        : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    yield Buffer.from(text);
  }
}

async function* inChunks(rows: AsyncIterable<UnifiedRow>): AsyncGenerator<UnifiedRow[]> {
  let chunk: UnifiedRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < ROWS_PER_CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** A row group a chunk. */
async function* parquetFile(chunks: AsyncIterable<readonly UnifiedRow[]>): AsyncGenerator<Buffer> {
  const bytes = new DrainedWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaFromColumnData({ columnData: columnsOf([]) }) });
  for await (const rows of chunks) {
    writer.write({ columnData: columnsOf(rows), rowGroupSize: rows.length });
    yield bytes.drain();
  }
  writer.finish();
  yield bytes.drain();
}

function columnsOf(rows: readonly UnifiedRow[]) {
  return UNIFIED_COLUMNS.map((name) =>
    name === 'changedAt'
      ? { name, type: 'TIMESTAMP' as const, data: rows.map((row) => new Date(row[name])), nullable: false }
      : { name, type: 'STRING' as const, data: rows.map((row) => row[name]), nullable: false },
  );
}

/** Keeps what was written since it was last asked; offsets go on. */
class DrainedWriter extends ByteWriter {
  drain(): Buffer {
    const written = Buffer.from(this.getBuffer());
    this.index = 0;
    return written;
  }
}
