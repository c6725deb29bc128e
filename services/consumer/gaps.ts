/**
 * Offsets that hold no record: control records of transactions, and aborted ones. Each gets the outcome "control", so
 * that every position of the log has one. A gap that is none of these must not pass for one.
 */
import { TallyError } from '@tally/platform/errors';
import type { IncomingBatch } from '@tally/platform/kafka';

/** More missing offsets in one batch than any transaction leaves. */
const GAP_OFFSETS_MAX = 1_000_000n;

/** Reads one partition on from where it was left. */
export class Cursor {
  #next: bigint;

  /** @param next the first offset that has not been handled yet */
  constructor(next: bigint) {
    this.#next = next;
  }

  /**
   * The offsets of a batch that hold no record, those between the last batch and this one included.
   * Throws `LOG_WENT_BACK` when the log is suddenly shorter, `LOG_GAP` when more is missing than control records explain.
   */
  gaps(batch: IncomingBatch): bigint[] {
    const expected = this.#next;
    if (batch.fetchedFrom < expected && batch.end < expected) {
      throw stop('LOG_WENT_BACK', batch, `ends at ${batch.end}, it was read up to ${expected} before`);
    }
    const missing: bigint[] = [];
    let at = batch.fetchedFrom;
    if (expected < at) at = expected;
    for (const { offset } of batch.records) {
      if (offset - at > GAP_OFFSETS_MAX) throw stop('LOG_GAP', batch, `has no record from ${at} to ${offset - 1n}`);
      for (; at < offset; at++) missing.push(at);
      at = offset + 1n;
    }
    for (; at <= batch.lastOffset; at++) missing.push(at);
    return missing;
  }

  /** Remembers that everything up to the batch's last offset is handled. */
  advance(batch: IncomingBatch): void {
    this.#next = batch.lastOffset + 1n;
  }

  /** The first offset that has not been handled yet. */
  get next(): bigint {
    return this.#next;
  }
}

function stop(code: string, { topic, partition }: IncomingBatch, what: string): TallyError {
  return new TallyError(`${topic}/${partition} ${what}`, { code, retriable: false });
}
