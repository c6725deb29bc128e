/**
 * Files as people have them: each format, compressed, cut off, in the wrong encoding, with rows that are none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { formatOf } from './format.ts';
import { readCsv } from './read-csv.ts';
import { readNdjson } from './read-ndjson.ts';
import { readParquet } from './read-parquet.ts';
import type { SourceRow } from './source-row.ts';

const dir = mkdtempSync(join(tmpdir(), 'tally-readers-'));
let files = 0;

afterAll(() => rmSync(dir, { recursive: true }));

function fileOf(content: string | Uint8Array): string {
  const file = join(dir, `${files++}`);
  writeFileSync(file, content);
  return file;
}

async function all(batches: AsyncIterable<SourceRow[]>): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

const read = { skipRows: 0, onBytes: () => undefined };
const anyColumns = { ...read, type: 'interaction', ignoreUnknown: true } as const;
const ndjson = (content: string | Uint8Array, skipRows = 0) => all(readNdjson(fileOf(content), { ...read, skipRows }));
const HEADER = 'type,tenantId,environmentId,reason,journeyId';
const csv = (content: string | Uint8Array, skipRows = 0) => all(readCsv(fileOf(content), { ...anyColumns, skipRows }));
const parquet = (content: Uint8Array, skipRows = 0) => all(readParquet(fileOf(content), { ...anyColumns, skipRows }));
const fieldsOf = ({ content }: SourceRow) => (content.ok ? content.fields : content.code);

describe('a file’s format', () => {
  it.each([
    ['a.ndjson', 'ndjson'],
    ['a.jsonl.gz', 'ndjson'],
    ['a.b.CSV', 'csv'],
    ['a.parquet', 'parquet'],
    ['a.txt', undefined],
    ['a.gz', undefined],
    ['csv', undefined],
  ])('of %s is %s', (name, format) => {
    expect(formatOf(name)).toBe(format);
  });
});

describe('NDJSON', () => {
  it('has a row a line, blank ones left out, with its numbers', async () => {
    const rows = await ndjson('\ufeff{"a":1}\r\n\n  \n{"a":"é"}\n[1]\nnull\n{"a":');
    expect(rows.map(({ row, line }) => [row, line])).toEqual([
      [1, 1],
      [2, 4],
      [3, 5],
      [4, 6],
      [5, 7],
    ]);
    expect(rows.map(fieldsOf)).toEqual([{ a: 1 }, { a: 'é' }, 'not-an-object', 'not-an-object', 'invalid-json']);
  });

  it('goes on after rows that are done', async () => {
    expect((await ndjson('{"a":1}\n{"a":2}\n{"a":3}\n', 2)).map(fieldsOf)).toEqual([{ a: 3 }]);
  });

  it('keeps lines whole that cross the parts a file is read in', async () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => ({ index, text: 'ü'.repeat(index % 400) }));
    const content = rows.map((row) => JSON.stringify(row)).join('\n');
    expect((await ndjson(content)).map(fieldsOf)).toEqual(rows);
    expect((await ndjson(gzipSync(content))).map(fieldsOf)).toEqual(rows);
  });

  it('refuses a line that is too long, and only it', async () => {
    const rows = await ndjson(`{"a":1}\n{"b":"${'x'.repeat(3_000_000)}"}\n{"a":2}\n`);
    expect(rows.map(fieldsOf)).toEqual([{ a: 1 }, 'row-too-long', { a: 2 }]);
    expect(JSON.stringify(rows[1]).length).toBeLessThan(1_000);
  });

  it.each([
    ['Latin-1', Buffer.from('{"a":1}\n{"a":"\xe9"}\n', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{"a":1}\n', 'utf16le')],
  ])('stops at %s', async (_, content) => {
    await expect(ndjson(content)).rejects.toMatchObject({ code: 'NOT_UTF8' });
  });
});

describe('CSV', () => {
  it('has quotes, lines within them, and rows of a wrong width', async () => {
    const rows = await csv(`\ufeff${HEADER}\r\nvoid,a,b,"c, ""d""\ne",\r\n\r\nvoid,a,b\r\nvoid,a,b,,j\r\n`);
    expect(rows.map(fieldsOf)).toEqual([
      { type: 'void', tenantId: 'a', environmentId: 'b', reason: 'c, "d"\ne' },
      'wrong-field-count',
      { type: 'void', tenantId: 'a', environmentId: 'b', reason: '', journeyId: 'j' },
    ]);
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3]);
  });

  it('goes on after rows that are done', async () => {
    const rows = await csv(`${HEADER}\nvoid,a,b,1,\nvoid,a,b,2,\nvoid,a,b,3,\n`, 2);
    expect(rows).toMatchObject([{ row: 3, line: 4, content: { fields: { reason: '3' } } }]);
  });

  it('may be gzip', async () => {
    expect(await csv(gzipSync(`${HEADER}\nvoid,a,b,1,\n`))).toHaveLength(1);
  });

  it.each([
    ['a comma', HEADER, undefined],
    ['a semicolon', HEADER.replaceAll(',', ';'), undefined],
    ['a tab', HEADER.replaceAll(',', '\t'), undefined],
    ['a semicolon, with commas in a quoted name', `"a,b,c,d,e,f";${HEADER.replaceAll(',', ';')}`, undefined],
    ['a semicolon after empty lines', `\r\n\r\n${HEADER.replaceAll(',', ';')}`, undefined],
    ['a semicolon, as was said', `${HEADER.replaceAll(',', ';')};a,b,c,d,e,f`, 'semicolon'],
  ] as const)('has %s between its fields', async (_, header, delimiter) => {
    const between = header.includes(';') ? ';' : header.includes('\t') ? '\t' : ',';
    const names = header.trim().split(between);
    const cells = names.map((name) => (name === 'tenantId' ? '"a,b;c"' : name === 'reason' ? 'r' : ''));
    const file = fileOf(`\ufeff${header}\r\n${cells.join(between)}\r\n`);
    const [row, ...more] = await all(readCsv(file, { ...anyColumns, delimiter }));
    expect(row && fieldsOf(row)).toEqual({ tenantId: 'a,b;c', reason: 'r' });
    expect(more).toEqual([]);
  });

  it('has its delimiter in a header that is longer than one read', async () => {
    const header = `"${'x,'.repeat(300_000)}";${HEADER.replaceAll(',', ';')}`;
    expect((await csv(`${header}\n;void;a;b;r;\n`)).map(fieldsOf)).toEqual([
      { type: 'void', tenantId: 'a', environmentId: 'b', reason: 'r' },
    ]);
  });

  it.each([
    ['a quote that does not close', `${HEADER}\nvoid,"a,b,c,\nvoid,a,b,c,\n`, 'CSV_INVALID'],
    ['another header', 'id;tenant\n1;a\n', 'HEADER_INVALID'],
    ['a header that ends with the file', HEADER.slice(0, 8), 'HEADER_INVALID'],
    ['nothing in it', '', 'HEADER_INVALID'],
    ['Latin-1', Buffer.from(`${HEADER}\nvoid,a,b,\xe9,\n`, 'latin1'), 'NOT_UTF8'],
    ['a character cut off at its end', Buffer.from(`${HEADER}\nvoid,a,b,,é`).subarray(0, -1), 'NOT_UTF8'],
  ])('stops with one error at %s', async (_, content, code) => {
    await expect(csv(content)).rejects.toMatchObject({ code });
  });
});

describe('compressed files', () => {
  const whole = gzipSync(Array.from({ length: 10_000 }, (_, index) => `{"a":${index * 7919}}\n`).join(''));
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, 100, 120);

  it.each([
    ['cut off', whole.subarray(0, -20)],
    ['damaged', damaged],
  ])('stop with one error when %s', async (_, content) => {
    await expect(ndjson(content)).rejects.toMatchObject({ code: 'GZIP_INVALID' });
  });
});

describe('Parquet', () => {
  const COUNT = 2_500;
  const texts = Array.from({ length: COUNT }, (_, index) => `é-${index}`);
  const written = (codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY') =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'type', data: texts.map(() => 'profile'), type: 'STRING' },
          { name: 'tenantId', data: texts, type: 'STRING' },
          { name: 'environmentId', data: texts.map((text, index) => (index % 2 ? text : null)), type: 'STRING' },
          { name: 'changedAt', data: texts.map((_, index) => new Date(index)), type: 'TIMESTAMP' },
          { name: 'occurredAt', data: texts.map((_, index) => BigInt(index)), type: 'INT64' },
        ],
        codec,
        rowGroupSize: 700,
      }),
    );

  it('has its rows, group by group, nulls left out', async () => {
    const rows = await parquet(written());
    expect(rows.map(fieldsOf)).toEqual(
      texts.map((text, index) => ({
        type: 'profile',
        tenantId: text,
        ...(index % 2 ? { environmentId: text } : {}),
        changedAt: new Date(index),
        occurredAt: BigInt(index),
      })),
    );
    expect(rows.map(({ row }) => row)).toEqual(texts.map((_, index) => index + 1));
  });

  it.each([1, 699, 700, 701, 2_499])('goes on after %i rows that are done', async (skipRows) => {
    expect((await parquet(written(), skipRows))[0]).toMatchObject({
      row: skipRows + 1,
      content: { fields: { tenantId: `é-${skipRows}` } },
    });
  });

  it.each([
    ['text', Buffer.from('this is no such file')],
    ['nothing', Buffer.alloc(0)],
    ['a file cut off', written().subarray(0, 5_000)],
    ['a file without its beginning', written().subarray(2_000)],
  ])('stops with one error at %s', async (_, content) => {
    await expect(parquet(content)).rejects.toMatchObject({ code: 'PARQUET_INVALID' });
  });

  it('stops at text that is not UTF-8', async () => {
    const bytes = Buffer.from(written('UNCOMPRESSED'));
    for (let at = bytes.indexOf('é-1300'); at !== -1; at = bytes.indexOf('é-1300', at + 1)) bytes[at + 1] = 0x28;
    await expect(parquet(bytes)).rejects.toMatchObject({ code: 'NOT_UTF8' });
  });
});
