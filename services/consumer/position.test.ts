import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf, positionOf } from './position.ts';

const EPOCH_MAX = 255;
const PARTITION_MAX = 65_535;
const OFFSET_MAX = 2n ** 40n - 1n;

const parts = fc.record({
  epoch: fc.integer({ min: 0, max: EPOCH_MAX }),
  partition: fc.integer({ min: 0, max: PARTITION_MAX }),
  offset: fc.bigInt({ min: 0n, max: OFFSET_MAX }),
});

describe('a position', () => {
  it.each([
    [0, 0, 0n, 0n],
    [1, 0, 0n, 1n << 56n],
    [0, 1, 0n, 1n << 40n],
    [0, 0, OFFSET_MAX, 0xff_ffff_ffffn],
    [0, PARTITION_MAX, 0n, 0xff_ff00_0000_0000n],
    [EPOCH_MAX, 0, 0n, 0xff00_0000_0000_0000n],
    [EPOCH_MAX, PARTITION_MAX, OFFSET_MAX, 2n ** 64n - 1n],
  ])('of epoch %i, partition %i, offset %i is %i', (epoch, partition, offset, position) => {
    expect(positionOf(epoch, partition, offset)).toBe(position);
    expect(partsOf(position)).toEqual({ epoch, partition, offset });
  });

  it('gives its parts back', () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(partsOf(positionOf(given.epoch, given.partition, given.offset))).toEqual(given);
      }),
    );
  });

  it('orders as epoch, partition, offset do', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const [first, second] = [one, other].map(({ epoch, partition, offset }) =>
          positionOf(epoch, partition, offset),
        );
        const byParts = one.epoch - other.epoch || one.partition - other.partition || Number(one.offset - other.offset);
        expect(Math.sign(Number((first ?? 0n) - (second ?? 0n)))).toBe(Math.sign(byParts));
      }),
    );
  });
});
