/**
 * Outcomes in the order of the rows, whatever the order in which they settle.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InOrder } from './in-order.ts';

const LIMITS = { rowsMax: 3, bytesMax: 100 };

function inOrder(limits = LIMITS) {
  const told: number[] = [];
  const rows = new InOrder<{ row: number }>(limits, ({ row }) => told.push(row));
  return { rows, told };
}

describe('rows in flight', () => {
  it('are told in their order, in any order of settling', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from({ length: 50 }, (_, row) => row),
          { minLength: 50 },
        ),
        (order) => {
          const { rows, told } = inOrder();
          const settle = order.map(() => 0).map((_, row) => ({ row, done: rows.begin(1) }));
          for (const row of order) {
            settle[row]?.done({ row });
            expect(told).toEqual(told.map((_, index) => index));
          }
          expect(told).toHaveLength(50);
          expect(rows.rows).toBe(0);
        },
      ),
    );
  });

  it('hold back what follows a row that does not settle', () => {
    const { rows, told } = inOrder();
    rows.begin(1);
    rows.begin(1)({ row: 1 });
    expect(told).toEqual([]);
    expect(rows.rows).toBe(2);
  });

  it.each([
    ['rows', [1, 1, 1]],
    ['bytes', [60, 60]],
  ])('are limited in %s', (_, sizes) => {
    const { rows } = inOrder();
    const settled = sizes.map((bytes) => {
      expect(rows.full).toBe(false);
      return rows.begin(bytes);
    });
    expect(rows.full).toBe(true);
    settled[0]?.({ row: 0 });
    expect(rows.full).toBe(false);
  });

  it('give room to a single row of any size', () => {
    const { rows } = inOrder();
    expect(rows.full).toBe(false);
    rows.begin(1_000);
    expect(rows.full).toBe(true);
  });

  it('wake who waits when one is told', async () => {
    const { rows } = inOrder();
    const settle = rows.begin(1);
    const progressed = rows.progressed();
    settle({ row: 0 });
    await progressed;
  });

  it('keep their order over many thousands', () => {
    const { rows, told } = inOrder({ rowsMax: 20_000, bytesMax: 1_000_000 });
    const settles = Array.from({ length: 10_000 }, (_, row) => ({ row, settle: rows.begin(1) }));
    for (const { row, settle } of settles.toReversed()) settle({ row });
    expect(told).toEqual(settles.map(({ row }) => row));
  });
});
