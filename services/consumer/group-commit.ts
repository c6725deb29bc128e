/**
 * Puts the batches that arrive while another group is being written together into the next group: few partitions at
 * little traffic make small inserts, many at much traffic large ones, and there is never more than one in flight.
 */
import type { IncomingBatch } from '@tally/platform/kafka';

interface Waiting {
  batch: IncomingBatch;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /** Records in one group; a single larger batch goes alone. */
  recordsMax: number;
  write: (batches: IncomingBatch[]) => Promise<void>;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Resolves when the batch is written. */
  submit(batch: IncomingBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    // Batches that were fetched together arrive in the same turn of the event loop.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const group = this.#take();
      if (group.length === 0) continue;
      try {
        await this.#options.write(group.map(({ batch }) => batch));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** Batches that the group no longer waits for come again to their new owner; writing them would be wasted. */
  #take(): Waiting[] {
    const group: Waiting[] = [];
    let records = 0;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (next.batch.signal.aborted) {
        next.reject(next.batch.signal.reason);
        this.#waiting.shift();
        continue;
      }
      records += next.batch.records.length;
      if (group.length > 0 && records > this.#options.recordsMax) break;
      group.push(next);
      this.#waiting.shift();
    }
    return group;
  }
}
