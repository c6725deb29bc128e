/**
 * Newline-delimited JSON: one object a line. A line that is no object is a refused row; bytes that are not UTF-8 end the
 * import, since what follows cannot be trusted either.
 */
import { isUtf8 } from 'node:buffer';
import { TallyError } from '@tally/platform/errors';
import { readBytes } from './read-bytes.ts';
import { type ReadOptions, ROWS_PER_BATCH_MAX, type SourceRow } from './source-row.ts';

/** A record may have 256 KiB; a longer line is refused without being kept in memory. */
const LINE_BYTES_MAX = 1024 * 1024;
const SHOWN_BYTES_OF_LONG_LINE = 256;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Batches of rows. Throws `NOT_UTF8` with the line, and what readBytes throws. */
export async function* readNdjson(file: string, { skipRows, onBytes }: ReadOptions): AsyncGenerator<SourceRow[]> {
  let batch: SourceRow[] = [];
  let line = 0;
  let row = 0;
  for await (const { bytes, tooLong } of linesOf(readBytes(file, onBytes))) {
    line++;
    const content = line === 1 ? withoutMark(bytes) : bytes;
    if (!tooLong && !isUtf8(content)) {
      if (batch.length > 0) yield batch;
      throw notUtf8(`line ${line}`);
    }
    if (isBlank(content)) continue;
    row++;
    if (row <= skipRows) continue;
    batch.push({ row, line, bytes: content.length, content: tooLong ? longLine(content) : parsed(content) });
    if (batch.length < ROWS_PER_BATCH_MAX) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

export function notUtf8(place: string): TallyError {
  return new TallyError(`${place} is not UTF-8: convert the file, for example with iconv`, {
    code: 'NOT_UTF8',
    retriable: false,
  });
}

interface Line {
  bytes: Buffer;
  /** Only its beginning is in `bytes`. */
  tooLong: boolean;
}

/** Lines without their newline. Holds no more than one line of the longest length at a time. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer): void => {
    if (length <= LINE_BYTES_MAX) parts.push(part);
    length += part.length;
  };
  const finish = (): Line => {
    const tooLong = length > LINE_BYTES_MAX;
    const [only = Buffer.alloc(0), ...more] = parts;
    const bytes = tooLong
      ? Buffer.from(only.subarray(0, SHOWN_BYTES_OF_LONG_LINE))
      : more.length === 0
        ? only
        : Buffer.concat(parts);
    parts = [];
    length = 0;
    return { bytes, tooLong };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      from = at + 1;
      yield finish();
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (length > 0) yield finish();
}

function parsed(bytes: Buffer): SourceRow['content'] {
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: 'invalid-json', detail: 'the line does not parse as JSON', source: text };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { ok: true, fields: value as Record<string, unknown> };
  }
  return { ok: false, code: 'not-an-object', detail: 'a row is a JSON object', source: value };
}

function longLine(beginning: Buffer): SourceRow['content'] {
  const detail = `the line has more than ${LINE_BYTES_MAX} bytes; only its beginning is shown`;
  return { ok: false, code: 'row-too-long', detail, source: beginning.toString('utf8').toWellFormed() };
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
