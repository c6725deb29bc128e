import type { IncomingBatch } from '@tally/platform/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor } from './gaps.ts';
import { batchOf } from './test-events.ts';

describe('Cursor', () => {
  it.each<[string, bigint, IncomingBatch, bigint[]]>([
    ['nothing missing', 5n, batchOf([5n, 6n, 7n]), []],
    ['missing before the fetch', 3n, batchOf([5n, 6n]), [3n, 4n]],
    ['missing at the head of the fetch', 3n, batchOf([5n, 6n], { fetchedFrom: 3n }), [3n, 4n]],
    ['missing between', 5n, batchOf([5n, 8n]), [6n, 7n]],
    ['missing at the tail', 5n, batchOf([5n], { lastOffset: 7n, end: 8n }), [6n, 7n]],
    ['missing everywhere', 3n, batchOf([5n, 7n], { fetchedFrom: 4n, lastOffset: 8n, end: 9n }), [3n, 4n, 6n, 8n]],
    ['no record at all', 5n, batchOf([], { fetchedFrom: 5n, lastOffset: 6n, end: 7n }), [5n, 6n]],
    ['a batch that comes again', 8n, batchOf([5n, 6n, 7n], { end: 8n }), []],
    ['a batch that comes again, with its gap', 8n, batchOf([5n, 7n], { end: 8n }), [6n]],
    ['a batch that comes again, with a gap at its head', 8n, batchOf([6n, 7n], { fetchedFrom: 5n, end: 8n }), [5n]],
    ['a batch that comes again in part', 7n, batchOf([5n, 6n, 7n, 9n], { end: 10n }), [8n]],
    ['the first record of all', 0n, batchOf([0n]), []],
    ['an empty log’s first control record', 0n, batchOf([1n]), [0n]],
  ])('finds the offsets without a record: %s', (_, next, batch, missing) => {
    expect(new Cursor(next).gaps(batch)).toEqual(missing);
  });

  it('goes on after the last offset of a batch, and only when told', () => {
    const cursor = new Cursor(0n);
    const batch = batchOf([0n, 1n], { lastOffset: 4n, end: 5n });
    expect(cursor.gaps(batch)).toEqual([2n, 3n, 4n]);
    expect(cursor.next).toBe(0n);
    cursor.advance(batch);
    expect(cursor.next).toBe(5n);
    expect(cursor.gaps(batchOf([7n]))).toEqual([5n, 6n]);
  });

  it.each<[string, bigint, IncomingBatch, string]>([
    ['more is missing than a transaction leaves', 0n, batchOf([1_000_001n]), 'LOG_GAP'],
    ['more is missing between two records', 0n, batchOf([0n, 1_000_002n]), 'LOG_GAP'],
  ])('refuses for good: %s', (_, next, batch, code) => {
    expect(() => new Cursor(next).gaps(batch)).toThrow(expect.objectContaining({ code, retriable: false }));
  });

  it.each<[string, bigint, IncomingBatch, boolean]>([
    ['ends before what was read', 10n, batchOf([0n, 1n], { end: 5n }), true],
    ['ends just before what was read', 10n, batchOf([8n], { end: 9n }), true],
    ['ends where it was read up to, and the batch comes again', 10n, batchOf([8n, 9n], { end: 10n }), false],
    ['goes on where it was read up to', 10n, batchOf([10n], { end: 11n }), false],
  ])('sees that a fetch may be of a shorter log: one that %s', (_, next, batch, shorter) => {
    expect(new Cursor(next).wasShorter(batch)).toBe(shorter);
  });

  it('does not forget what others read when an older batch comes after it', () => {
    const cursor = new Cursor(10n);
    const stale = batchOf([4n, 5n], { end: 6n });
    expect(cursor.gaps(stale)).toEqual([]);
    cursor.advance(stale);
    expect(cursor.gaps(batchOf([10n, 11n]))).toEqual([]);
  });

  it('lets as much be missing as a transaction may leave', () => {
    expect(new Cursor(0n).gaps(batchOf([1_000_000n]))).toHaveLength(1_000_000);
  });

  it('gives every offset either a record or a gap, however the log is cut, and again when it comes again', () => {
    const log = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(log, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 40, maxLength: 40 }), (held, sizes) => {
        const cursor = new Cursor(0n);
        const seen: bigint[] = [];
        let from = 0;
        for (const size of sizes) {
          const to = Math.min(from + size, held.length);
          const offsets = [...held.keys()].filter((offset) => offset >= from && offset < to && held[offset]);
          if (offsets.length === 0) continue;
          const batch = batchOf(offsets.map(BigInt), { lastOffset: BigInt(to - 1), end: BigInt(held.length) });
          const gaps = cursor.gaps(batch);
          expect(cursor.gaps(batch)).toEqual(gaps);
          seen.push(...gaps, ...offsets.map(BigInt));
          cursor.advance(batch);
          from = to;
        }
        expect(seen.sort((a, b) => Number(a - b))).toEqual(Array.from({ length: from }, (_, offset) => BigInt(offset)));
      }),
    );
  });
});
