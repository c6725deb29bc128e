import type { IncomingBatch } from '@tally/platform/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor } from './gaps.ts';
import { batchOf } from './test-events.ts';

describe('Cursor', () => {
  it.each<[string, number, IncomingBatch, number[]]>([
    ['nothing missing', 5, batchOf([5, 6, 7]), []],
    ['missing before the fetch', 3, batchOf([5, 6]), [3, 4]],
    ['missing at the head of the fetch', 3, batchOf([5, 6], { fetchedFrom: 3 }), [3, 4]],
    ['missing between', 5, batchOf([5, 8]), [6, 7]],
    ['missing at the tail', 5, batchOf([5], { lastOffset: 7, end: 8 }), [6, 7]],
    ['missing everywhere', 3, batchOf([5, 7], { fetchedFrom: 4, lastOffset: 8, end: 9 }), [3, 4, 6, 8]],
    ['no record at all', 5, batchOf([], { fetchedFrom: 5, lastOffset: 6, end: 7 }), [5, 6]],
    ['a batch that comes again', 8, batchOf([5, 6, 7], { end: 8 }), []],
    ['a batch that comes again, with its gap', 8, batchOf([5, 7], { end: 8 }), [6]],
    ['a batch that comes again, with a gap at its head', 8, batchOf([6, 7], { fetchedFrom: 5, end: 8 }), [5]],
    ['a batch that comes again in part', 7, batchOf([5, 6, 7, 9], { end: 10 }), [8]],
    ['the first record of all', 0, batchOf([0]), []],
    ['an empty log’s first control record', 0, batchOf([1]), [0]],
  ])('finds the offsets without a record: %s', (_, next, batch, missing) => {
    expect(new Cursor(next).gaps(batch)).toEqual(missing);
  });

  it('goes on after the last offset of a batch, and only when told', () => {
    const cursor = new Cursor(0);
    const batch = batchOf([0, 1], { lastOffset: 4, end: 5 });
    expect(cursor.gaps(batch)).toEqual([2, 3, 4]);
    expect(cursor.next).toBe(0);
    cursor.advance(batch);
    expect(cursor.next).toBe(5);
    expect(cursor.gaps(batchOf([7]))).toEqual([5, 6]);
  });

  it.each<[string, number, IncomingBatch, string]>([
    ['more is missing than a transaction leaves', 0, batchOf([1_000_001]), 'LOG_GAP'],
    ['more is missing between two records', 0, batchOf([0, 1_000_002]), 'LOG_GAP'],
  ])('refuses for good: %s', (_, next, batch, code) => {
    expect(() => new Cursor(next).gaps(batch)).toThrow(expect.objectContaining({ code, retriable: false }));
  });

  it.each<[string, number, IncomingBatch, boolean]>([
    ['ends before what was read', 10, batchOf([0, 1], { end: 5 }), true],
    ['ends just before what was read', 10, batchOf([8], { end: 9 }), true],
    ['ends where it was read up to, and the batch comes again', 10, batchOf([8, 9], { end: 10 }), false],
    ['goes on where it was read up to', 10, batchOf([10], { end: 11 }), false],
  ])('sees that a fetch may be of a shorter log: one that %s', (_, next, batch, shorter) => {
    expect(new Cursor(next).wasShorter(batch)).toBe(shorter);
  });

  it('does not forget what others read when an older batch comes after it', () => {
    const cursor = new Cursor(10);
    const stale = batchOf([4, 5], { end: 6 });
    expect(cursor.gaps(stale)).toEqual([]);
    cursor.advance(stale);
    expect(cursor.gaps(batchOf([10, 11]))).toEqual([]);
  });

  it('lets as much be missing as a transaction may leave', () => {
    expect(new Cursor(0).gaps(batchOf([1_000_000]))).toHaveLength(1_000_000);
  });

  it('gives every offset either a record or a gap, however the log is cut, and again when it comes again', () => {
    const log = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(log, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 40, maxLength: 40 }), (held, sizes) => {
        const cursor = new Cursor(0);
        const seen: number[] = [];
        let from = 0;
        for (const size of sizes) {
          const to = Math.min(from + size, held.length);
          const offsets = [...held.keys()].filter((offset) => offset >= from && offset < to && held[offset]);
          if (offsets.length === 0) continue;
          const batch = batchOf(offsets, { lastOffset: to - 1, end: held.length });
          const gaps = cursor.gaps(batch);
          expect(cursor.gaps(batch)).toEqual(gaps);
          seen.push(...gaps, ...offsets);
          cursor.advance(batch);
          from = to;
        }
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: from }, (_, offset) => offset));
      }),
    );
  });
});
