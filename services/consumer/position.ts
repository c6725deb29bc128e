/**
 * A record's place in the log as one number. It is the record's identity for counting.
 */
import { TallyError } from '@tally/platform/errors';

const EPOCH_MAX = 255;
const PARTITION_MAX = 65_535;
const OFFSET_MASK = (1n << 40n) - 1n;

/** Epoch (8 bits), partition (16 bits), offset (40 bits). Throws `POSITION_RANGE` when a part does not fit. */
export function positionOf(epoch: number, partition: number, offset: bigint): bigint {
  if (epoch > EPOCH_MAX || partition > PARTITION_MAX || offset > OFFSET_MASK) {
    throw new TallyError(`epoch ${epoch}, partition ${partition}, offset ${offset} do not fit a position`, {
      code: 'POSITION_RANGE',
      retriable: false,
    });
  }
  return (BigInt(epoch) << 56n) | (BigInt(partition) << 40n) | offset;
}

/** The parts of a position. */
export function partsOf(position: bigint): { epoch: number; partition: number; offset: bigint } {
  return {
    epoch: Number(position >> 56n),
    partition: Number((position >> 40n) & 0xffffn),
    offset: position & OFFSET_MASK,
  };
}
