/**
 * The rows behind a figure of a statement, as whoever asks for them has them: page by page, and from files.
 */
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { csvCells } from '@tally/importer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type ExportFormat, type explain, exportRows, page, rowsInFile } from '@tally/statements/evidence';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect } from 'vitest';
import { readParquet } from '../../services/importer/read-parquet.ts';

type Row = Record<string, unknown>;
type Asked = Parameters<typeof explain>[1];

export class EvidenceReader {
  readonly #clickhouse: ClickHouse;
  readonly #dir = mkdtempSync(join(tmpdir(), 'tally-evidence-'));
  #files = 0;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Every page of a figure, and how many there were. */
  async pagesOf(asked: Asked, limit: number): Promise<{ rows: Row[]; pages: number }> {
    const rows: Row[] = [];
    let pages = 0;
    for (let after: string | null | undefined; after !== null; pages++) {
      const found = await page(this.#clickhouse, { ...asked, limit, ...(after === undefined ? {} : { after }) });
      expect(found.rows.length).toBeLessThanOrEqual(limit);
      rows.push(...found.rows);
      after = found.next;
    }
    return { rows, pages };
  }

  /** A figure as a file, which is read back by the importer's readers. */
  async exported(asked: Asked, format: ExportFormat): Promise<Row[]> {
    const { rows, content } = await exportRows(this.#clickhouse, asked, format);
    const file = join(this.#dir, `${++this.#files}.${format}`);
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    await writeFile(file, Buffer.concat(chunks));
    expect(await rowsInFile(file, format)).toBe(rows);
    const read = await READERS[format](file);
    expect(read).toHaveLength(rows);
    return read;
  }
}

const READERS: Record<ExportFormat, (file: string) => Promise<Row[]>> = {
  csv: async (file) => {
    const lines: string[][] = [];
    for await (const { cells } of csvCells(file, { onBytes: () => undefined })) lines.push(cells);
    const [header = [], ...rows] = lines;
    return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
  },
  ndjson: async (file) => {
    const rows: Row[] = [];
    for await (const line of createInterface({ input: createReadStream(file) })) rows.push(JSON.parse(line) as Row);
    return rows;
  },
  parquet: async (file) => {
    const rows: Row[] = [];
    const options = { type: 'interaction', ignoreUnknown: true, skipRows: 0, onBytes: () => undefined } as const;
    rows.push(...(await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors })));
    // Interactions can be imported as they are.
    if (rows[0] && 'eventId' in rows[0]) {
      let imported = 0;
      for await (const batch of readParquet(file, options)) imported += batch.length;
      expect(imported).toBe(rows.length);
    }
    return rows;
  },
};

/** As text, as the pages have it, whatever types a format has. */
export function asText(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)]),
  );
}
