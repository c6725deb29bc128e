/**
 * The consumer's pipeline. Each partition belongs to one lane; a lane writes one group of batches after the other, and
 * prepares the next one meanwhile. Lanes work side by side. Since a key never changes its partition, a group is never
 * looked up while one that it might repeat is still being written.
 *
 * Batches that arrive while a group is being written wait for the next: few partitions at little traffic make small
 * inserts, many at much traffic large ones.
 */
import type { IncomingBatch } from '@tally/platform/kafka';

export interface LanesOptions<Prepared> {
  /** Groups written at the same time. */
  lanes: number;
  /** Records in one group; a single larger batch goes alone. */
  recordsMax: number;
  /** Records that may wait in a lane before it takes no more in. */
  waitingRecordsMax: number;
  /** What does not depend on the groups before; called in their order. */
  prepare: (batches: readonly IncomingBatch[]) => Promise<Prepared>;
  /** The rest; called when the group before it is written. */
  write: (prepared: Prepared) => Promise<void>;
}

export class Lanes<Prepared> {
  readonly #lanes: readonly Lane<Prepared>[];

  constructor(options: LanesOptions<Prepared>) {
    this.#lanes = Array.from({ length: options.lanes }, () => new Lane(options));
  }

  /** Takes a batch in; resolves when there is room for more. Rejects when a group of its lane could not be written. */
  async take(batch: IncomingBatch): Promise<void> {
    await this.#lanes[batch.partition % this.#lanes.length]?.take(batch);
  }

  /** Resolves when all that was taken in is written, or its lane has failed. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.idle()));
  }
}

class Lane<Prepared> {
  readonly #options: LanesOptions<Prepared>;
  #waiting: IncomingBatch[] = [];
  #records = 0;
  #draining: Promise<void> | undefined;
  #room = Promise.withResolvers<void>();
  #failed: { error: unknown } | undefined;

  constructor(options: LanesOptions<Prepared>) {
    this.#options = options;
  }

  async take(batch: IncomingBatch): Promise<void> {
    this.#throwFailure();
    this.#waiting.push(batch);
    this.#records += batch.records.length;
    this.#draining ??= this.#drain();
    while (this.#records > this.#options.waitingRecordsMax) {
      await this.#room.promise;
      this.#throwFailure();
    }
  }

  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  async #drain(): Promise<void> {
    const { recordsMax, prepare, write } = this.#options;
    // Batches that were fetched together arrive in the same turn of the event loop.
    await new Promise(setImmediate);
    let writing = Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const prepared = await prepare(this.#nextGroup());
        await writing;
        writing = write(prepared);
        writing.catch(() => undefined); // told where it is awaited
        if (this.#records < recordsMax) await writing;
      }
      await writing;
    } catch (error) {
      this.#failed = { error };
      this.#waiting = [];
    }
    this.#draining = undefined;
    this.#makeRoom();
  }

  #nextGroup(): IncomingBatch[] {
    let records = 0;
    let batches = 0;
    for (const batch of this.#waiting) {
      records += batch.records.length;
      if (batches > 0 && records > this.#options.recordsMax) break;
      batches++;
    }
    const group = this.#waiting.splice(0, batches);
    for (const batch of group) this.#records -= batch.records.length;
    this.#makeRoom();
    return group;
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failed.error;
  }
}
