/**
 * Offsets that hold no record: control records of transactions, and aborted ones. Each gets the outcome "control", so
 * that every position of the log has one. A gap that is none of these must not pass for one.
 */
import { TallyError } from '@tally/platform/errors';
import type { IncomingBatch } from '@tally/platform/kafka';

/** More missing offsets in one batch than any transaction leaves. */
const GAP_OFFSETS_MAX = 1_000_000;

/** Reads one partition on from where it was left. */
export class Cursor {
  #next: number;

  /** @param next the first offset that has not been handled yet */
  constructor(next: number) {
    this.#next = next;
  }

  /**
   * The offsets of a batch that hold no record, those between the last batch and this one included.
   * Throws `LOG_GAP` when more is missing than control records explain.
   */
  gaps(batch: IncomingBatch): number[] {
    const missing: number[] = [];
    let at = batch.fetchedFrom;
    if (this.#next < at) at = this.#next;
    for (const { offset } of batch.records) {
      if (offset - at > GAP_OFFSETS_MAX) {
        const { topic, partition } = batch;
        const message = `${topic}/${partition} has no record from ${at} to ${offset - 1}`;
        throw new TallyError(message, { code: 'LOG_GAP', retriable: false });
      }
      for (; at < offset; at++) missing.push(at);
      at = offset + 1;
    }
    for (; at <= batch.lastOffset; at++) missing.push(at);
    return missing;
  }

  /**
   * Whether the log ended, when the batch was fetched, before what was read. Then it is shorter than it was, or the fetch
   * is older than the reading: a batch in hand while others had the partition is handed over after its return.
   */
  wasShorter({ fetchedFrom, end }: IncomingBatch): boolean {
    return fetchedFrom < this.#next && end < this.#next;
  }

  /** Remembers that everything up to the batch's last offset is handled; what was handled before stays so. */
  advance({ lastOffset }: IncomingBatch): void {
    if (lastOffset >= this.#next) this.#next = lastOffset + 1;
  }

  /** The first offset that has not been handled yet. */
  get next(): number {
    return this.#next;
  }
}
