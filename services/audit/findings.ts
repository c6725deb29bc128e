/**
 * What a comparison found, in one shape for all of them.
 */
import type { LedgerPartition } from '@tally/figures';

export interface Difference {
  /** The comparison that found it. */
  comparison: string;
  /** Where, when it is about a position of the log. */
  topic?: string;
  partition?: number;
  offset?: number;
  /** What is where, in words without personal data. */
  what: string;
}

export interface Comparison {
  name: string;
  /** How many positions, entity months or figures were compared. */
  compared: number;
  /** How many differ; more than there are in `differences` when it is too many to list. */
  differing: number;
  differences: Difference[];
  /** What could not be compared, and why. */
  note?: string;
}

/** Differences listed of one comparison; the rest is only counted. */
export const DIFFERENCES_LISTED_MAX = 1_000;

const OFFSET_MASK = (1n << 40n) - 1n;

/** Where a position is, in words that Kafka's tools understand. */
export function placeOf(
  partitions: readonly LedgerPartition[],
  position: bigint,
): Pick<Difference, 'topic' | 'partition' | 'offset'> {
  const epoch = Number(position >> 56n);
  const partition = Number((position >> 40n) & 0xffffn);
  const topic = partitions.find((of) => of.epoch === epoch)?.topic ?? `(no topic has epoch ${epoch})`;
  return { topic, partition, offset: Number(position & OFFSET_MASK) };
}
