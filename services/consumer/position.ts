/**
 * A record's place in the log as one number: epoch (8 bits), partition (16 bits), offset (40 bits). It is the record's
 * identity for counting.
 */
export function positionOf(epoch: number, partition: number, offset: bigint): bigint {
  return (BigInt(epoch) << 56n) | (BigInt(partition) << 40n) | offset;
}

const OFFSET_MASK = (1n << 40n) - 1n;

/** The parts of a position. */
export function partsOf(position: bigint): { epoch: number; partition: number; offset: bigint } {
  return {
    epoch: Number(position >> 56n),
    partition: Number((position >> 40n) & 0xffffn),
    offset: position & OFFSET_MASK,
  };
}
