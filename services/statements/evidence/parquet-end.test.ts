import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { wholeParquet } from './parquet-end.ts';
import { rowsInFile } from './rows-in-file.ts';

const ROWS = 20;
const FILE = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      { name: 'id', type: 'STRING', data: Array.from({ length: ROWS }, (_, row) => `id ${row}`) },
      { name: 'n', type: 'INT32', data: Array.from({ length: ROWS }, (_, row) => row) },
    ],
  }),
);

async function* inChunks(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** What came before the end or the error, and its code. */
async function taken(bytes: Buffer, { chunk, rows = ROWS }: { chunk: number; rows?: number }) {
  const chunks: Buffer[] = [];
  let code = '';
  try {
    for await (const one of wholeParquet(inChunks(bytes, chunk), rows)) chunks.push(one);
  } catch (error) {
    ({ code } = error as { code: string });
  }
  return { bytes: Buffer.concat(chunks), code };
}

describe('a Parquet file', () => {
  it.each([1, 7, 8, 9, 1_000_000])('passes as it is when it is whole, in chunks of %i bytes', async (chunk) => {
    expect(await taken(FILE, { chunk })).toEqual({ bytes: FILE, code: '' });
  });

  it('is an error without its end wherever it is cut', async () => {
    for (let length = 0; length < FILE.length; length++) {
      const { bytes, code } = await taken(FILE.subarray(0, length), { chunk: 100 });
      expect({ length, code }).toEqual({ length, code: 'EXPORT_CUT' });
      expect(bytes.length).toBe(Math.max(length - 8, 0));
    }
  });

  it.each([
    ['more rows than were counted', FILE, ROWS - 1],
    ['fewer rows than were counted', FILE, ROWS + 1],
    ['an error’s text behind it', Buffer.concat([FILE, Buffer.from('Code: 241. DB::Exception: Memory limit')]), ROWS],
  ])('is an error with %s', async (_, bytes, rows) => {
    expect(await taken(bytes, { chunk: 100, rows })).toMatchObject({ code: 'EXPORT_CUT' });
  });
});

describe('the rows of a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tally-rows-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };

  it.each([
    ['csv', '"a"\n', 0],
    ['csv', '"a"\n"1"\n"2"\n', 2],
    ['csv', '"a"\n"1\n2"\n"say ""hi""\n"\n', 2],
    ['ndjson', '', 0],
    ['ndjson', '{"a":"\\"\\n"}\n{"a":"\\""}\n', 2],
    ['parquet', FILE, ROWS],
  ] as const)('are counted in %s %j', async (format, content, rows) => {
    expect(await rowsInFile(file(`whole.${format}`, content), format)).toBe(rows);
  });

  it.each([
    ['csv', '"a"\n"1"\n"2'],
    ['csv', '"a"\n"1"\n"2"'],
    ['ndjson', '{"a":1}\n{"a"'],
    ['parquet', FILE.subarray(0, FILE.length - 1)],
    ['parquet', ''],
  ] as const)('are not told of a %s file that ends in the middle: %j', async (format, content) => {
    const counted = rowsInFile(file(`cut.${format}`, content), format);
    await expect(counted).rejects.toMatchObject({ code: 'EXPORT_CUT' });
  });
});
