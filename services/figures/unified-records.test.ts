import { describe, expect, it } from 'vitest';
import { ReadUpTo } from './unified-records.ts';

const position = (epoch: number, partition: number, offset: bigint): bigint =>
  (BigInt(epoch) << 56n) | (BigInt(partition) << 40n) | offset;

describe('where a read got to', () => {
  it('is the highest position of each partition of each epoch, whatever the order', () => {
    const readUpTo = new ReadUpTo();
    const highest = [position(1, 0, 5n), position(1, 65_535, 0n), position(2, 0, 1n), position(255, 3, 2n ** 40n - 1n)];
    const others = [
      position(1, 0, 4n),
      position(1, 0, 0n),
      position(255, 3, 2n ** 32n),
      position(255, 3, 2n ** 32n - 1n),
    ];
    for (const one of [...others, ...highest, ...others]) readUpTo.note(Number(one >> 32n), Number(one & 0xffff_ffffn));
    expect(readUpTo.positions()).toEqual(highest.map(String));
  });

  it('is nowhere where nothing was read', () => {
    expect(new ReadUpTo().positions()).toEqual([]);
  });
});
