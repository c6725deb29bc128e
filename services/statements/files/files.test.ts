import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { statementOf, textOf } from '../digest.ts';
import type { Statement } from '../document.ts';
import { csvOf } from './csv.ts';
import { pdfOf } from './pdf/index.ts';
import { overrunStatement } from './sample.ts';
import { xlsxOf } from './xlsx.ts';

const ZONES = ['America/Los_Angeles', 'Asia/Tokyo'] as const;
const zoneBefore = process.env['TZ'];

const WRITERS: Record<string, (statement: Statement) => Uint8Array | Promise<Uint8Array>> = {
  CSV: csvOf,
  XLSX: xlsxOf,
  PDF: pdfOf,
};

/** A change here changes files that customers have: the reader of a statement must want it. */
const SHA256: Record<string, string> = {
  CSV: 'd757d9fa9cd5af0982b0e419c8cca2a8c3bcfc9d8051d399b1b53f7da7fcaa65',
  XLSX: '9f8e3b76496ba1ff58fb4d35b1faa2611be38a35a9be90104b9a323bbe617de9',
  PDF: '69eb20ec4af23adbaa8463ae9e030518dcfb26e0c90e19a543f9a73b7fbcc830',
};

afterEach(() => {
  vi.useRealTimers();
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

test.each(Object.entries(WRITERS))('the %s has the same bytes in every time zone and year', async (_, write) => {
  const written: Buffer[] = [];
  const hours = new Set<number>();
  for (const [index, zone] of ZONES.entries()) {
    process.env['TZ'] = zone;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2027 + index, 6, 1, 3, 4, 5) });
    hours.add(new Date(0).getHours());
    written.push(Buffer.from(await write(overrunStatement())));
  }
  expect(hours.size, 'time zones are changed').toBe(ZONES.length);
  expect(written[0]?.equals(written[1] ?? Buffer.of())).toBe(true);
});

test.each(Object.entries(WRITERS))(
  'the %s is the same when the statement was stored and read again',
  async (name, write) => {
    const statement = overrunStatement();
    const read = statementOf(textOf(statement));
    const channels = [read, statement].map(({ interactions }) => Object.keys(interactions.byChannel).join());
    expect(channels[0], 'keys are in another order').not.toBe(channels[1]);
    const [first, second] = [Buffer.from(await write(statement)), Buffer.from(await write(read))];
    expect(first.equals(second)).toBe(true);
    expect(createHash('sha256').update(first).digest('hex')).toBe(SHA256[name]);
  },
);
