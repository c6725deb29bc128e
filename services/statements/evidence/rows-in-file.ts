/**
 * How many rows an exported file has: the check of who has got it that it adds up.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { TallyError } from '@tally/platform/errors';
import type { ExportFormat } from './export.ts';
import { FOOTER_BYTES_MAX, rowsInFooter } from './parquet-end.ts';

const [QUOTE, NEWLINE] = [0x22, 0x0a];

/** Rows, the header not counted. Throws `EXPORT_CUT` for a file that ends in the middle. */
export async function rowsInFile(file: string, format: ExportFormat): Promise<number> {
  if (format === 'parquet') return parquetRows(file);
  const lines = await linesOf(file, { quotes: format === 'csv' });
  return format === 'csv' ? Math.max(lines - 1, 0) : lines;
}

/** @param quotes whether a newline in quotes is part of a text; JSON has none in a text */
async function linesOf(file: string, { quotes }: { quotes: boolean }): Promise<number> {
  let lines = 0;
  let quoted = false;
  let last: number = NEWLINE;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (quotes && byte === QUOTE) quoted = !quoted;
      else if (byte === NEWLINE && !quoted) lines++;
    }
    last = chunk.at(-1) ?? last;
  }
  if (last === NEWLINE && !quoted) return lines;
  throw cut('the file ends in the middle of a row');
}

async function parquetRows(file: string): Promise<number> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, FOOTER_BYTES_MAX));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const rows = rowsInFooter(tail);
    if (rows === undefined) throw cut('the file has no end');
    return rows;
  } finally {
    await handle.close();
  }
}

function cut(detail: string): TallyError {
  return new TallyError(detail, { code: 'EXPORT_CUT', retriable: true });
}
