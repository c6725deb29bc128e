/**
 * The consumer's pipeline. Each partition belongs to one lane; a lane reads batches into groups as they arrive, and writes
 * one group after the other. Lanes work side by side. Since a key never changes its partition, a group is never looked up
 * while one that it might repeat is still being written.
 *
 * What is read while a group is being written gathers in the next one: few partitions at little traffic make small
 * inserts, many at much traffic large ones. A batch is read at once rather than with its group, since its records are
 * objects: garbage that dies young costs next to nothing, and the columns that it is read into take a third of the room.
 */
import type { IncomingBatch } from '@tally/platform/kafka';

export interface LanesOptions<Group> {
  /** Groups written at the same time to each shard. */
  lanes: number;
  /** Servers that partitions are written to, by their number modulo this. Default 1. */
  shards?: number;
  /** Records in one group; a single larger batch goes alone. */
  recordsMax: number;
  /** Records that may wait in a lane, read or not, before it takes no more in. */
  waitingRecordsMax: number;
  /** A group with nothing in it. */
  open: () => Group;
  /** What does not depend on the groups before; called for one batch after the other, in the order of their arrival. */
  read: (batch: IncomingBatch, into: Group) => Promise<void>;
  /** The rest; called when the group before it is written. */
  write: (group: Group) => Promise<void>;
}

export class Lanes<Group> {
  readonly #lanes: readonly Lane<Group>[];

  constructor(options: LanesOptions<Group>) {
    this.#lanes = Array.from({ length: options.lanes * (options.shards ?? 1) }, () => new Lane(options));
  }

  /** Takes a batch in; resolves when there is room for more. Rejects when a group of its lane could not be written. */
  async take(batch: IncomingBatch): Promise<void> {
    const lane = this.#laneOf(batch);
    lane?.add(batch);
    await lane?.room();
  }

  /**
   * Takes a batch in without waiting. Returns undefined when there is room for more, else what resolves when there is, or
   * when the lane has failed. Throws when a group of its lane could not be written.
   */
  offer(batch: IncomingBatch): Promise<void> | undefined {
    const lane = this.#laneOf(batch);
    lane?.add(batch);
    return lane?.isFull ? lane.room().catch(() => undefined) : undefined;
  }

  /** There are as many lanes for each shard, so a lane's partitions are all of one: one that is away holds up no other's. */
  #laneOf({ partition }: IncomingBatch): Lane<Group> | undefined {
    return this.#lanes[partition % this.#lanes.length];
  }

  /** Resolves when all that was taken in is written, or its lane has failed. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.idle()));
  }
}

interface Gathering<Group> {
  group: Group;
  records: number;
}

class Lane<Group> {
  readonly #options: LanesOptions<Group>;
  /** Not read yet. */
  #batches: IncomingBatch[] = [];
  /** Read, oldest first; the last one may be read into. */
  #groups: Gathering<Group>[] = [];
  /** In `#batches` and `#groups`. */
  #records = 0;
  #reading: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #room = Promise.withResolvers<void>();
  #failed: { error: unknown } | undefined;

  constructor(options: LanesOptions<Group>) {
    this.#options = options;
  }

  add(batch: IncomingBatch): void {
    this.#throwFailure();
    this.#batches.push(batch);
    this.#records += batch.records.length;
    this.#reading ??= this.#read();
  }

  get isFull(): boolean {
    return this.#records > this.#options.waitingRecordsMax;
  }

  /** Resolves when there is room for more; rejects when the lane has failed. */
  async room(): Promise<void> {
    while (this.isFull) {
      await this.#room.promise;
      this.#throwFailure();
    }
  }

  async idle(): Promise<void> {
    while (this.#reading || this.#writing) await Promise.all([this.#reading, this.#writing]);
  }

  /** Reads until no batch is left. */
  async #read(): Promise<void> {
    // Batches that were fetched together arrive in the same turn of the event loop.
    await new Promise(setImmediate);
    try {
      for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
        const into = this.#groupFor(batch);
        await this.#options.read(batch, into.group);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#reading = undefined;
    this.#startWriting();
  }

  /** The group that gathers now, or a new one where that is full; a full one may be written. */
  #groupFor({ records }: IncomingBatch): Gathering<Group> {
    let last = this.#groups.at(-1);
    if (!last || (last.records > 0 && last.records + records.length > this.#options.recordsMax)) {
      last = { group: this.#options.open(), records: 0 };
      this.#groups.push(last);
      this.#startWriting();
    }
    last.records += records.length;
    return last;
  }

  #startWriting(): void {
    if (this.#writing) return;
    const first = this.#nextGroup();
    if (first) this.#writing = this.#write(first);
  }

  /** Writes one group after the other, until none is left that is not being read into. */
  async #write(first: Group): Promise<void> {
    try {
      for (let next: Group | undefined = first; next; next = this.#nextGroup()) await this.#options.write(next);
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
  }

  #nextGroup(): Group | undefined {
    if (this.#groups.length === 1 && this.#reading) return undefined;
    const next = this.#groups.shift();
    if (!next) return undefined;
    this.#records -= next.records;
    this.#makeRoom();
    return next.group;
  }

  #fail(error: unknown): void {
    this.#failed ??= { error };
    this.#batches = [];
    this.#groups = [];
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failed.error;
  }
}
