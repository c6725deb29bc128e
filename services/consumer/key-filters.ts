/**
 * A filter of known keys in front of the index, one for each partition that the group has assigned here. A filter says
 * "surely new" or nothing: with it or without it, every outcome is the same.
 *
 * What makes that true: a filter speaks only when it holds every key below the positions it is asked about. It is built
 * from the index, which has every key below the committed offset, and takes in each key from there on. So its building
 * begins with a batch, and it begins anew when others have read on meanwhile. Where a partition is taken away and given
 * back while records of it that were read here are still being written, the batch begins later than what is committed:
 * then the filter begins with their keys. While it is built, the index itself answers.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';
import type { Logger } from '@tally/platform/log';
import { KeyFilter } from './key-filter.ts';
import type { MeteredLog } from './logs.ts';
import type { ConsumerMetrics } from './metrics.ts';

export interface KeyFiltersOptions {
  clickhouse: ClickHouse;
  /** The log that the partitions are of. */
  metered: MeteredLog;
  log: Logger;
  metrics: Pick<ConsumerMetrics, 'filterKeys' | 'filterBytes' | 'filterPartitions'>;
  /** All filters together. Beyond, a partition has none, and the index answers for it. 0: there are none. */
  bytesMax: number;
}

/** A partition's filter, whole or still being built. */
interface Guarded {
  filter: KeyFilter;
  whole: boolean;
}

/** A row of what is streamed: the fingerprint and the partition, 4 bytes each. */
const ROW_BYTES = 8;
/** Marks keys of a log with another number of partitions: they may belong to any. */
const ANY_PARTITION = 0xffff_ffff;
/** Rows taken in before other work gets its turn. */
const ROWS_AT_A_TIME = 50_000;
const RETRY_WAIT_MS = 1_000;

const KEYS = `
  SELECT reinterpretAsFixedString(bitOr(
    bitAnd(toUInt64(event_key), ${0xffff_ffff}),
    bitShiftLeft(toUInt64(if(bitShiftRight(position, 56) IN {epochs:Array(UInt8)}, part, ${ANY_PARTITION})), 32)
  ))
  FROM (SELECT event_key, position, bitAnd(bitShiftRight(position, 40), 0xFFFF) AS part FROM event_index)
  WHERE part IN {partitions:Array(UInt16)} OR bitShiftRight(position, 56) NOT IN {epochs:Array(UInt8)}`;

const EPOCHS = 'SELECT epoch FROM logs FINAL WHERE topic = {topic:String} AND length(starts) = {partitions:UInt32}';

export class KeyFilters {
  readonly #options: KeyFiltersOptions;
  readonly #guarded = new Map<number, Guarded>();
  #mine: ReadonlySet<number> = new Set();
  /** Partitions of this assignment whose filter would have been too large. */
  #without = new Set<number>();
  /** Partitions whose filter waits to be built. */
  #wanted = new Set<number>();
  #building: Promise<void> | undefined;
  #closed = false;

  constructor(options: KeyFiltersOptions) {
    this.#options = options;
  }

  /** Keeps the filters of these partitions, and forgets all others. */
  assigned(partitions: readonly number[]): void {
    this.#mine = new Set(partitions);
    this.#without = new Set();
    for (const partition of this.#guarded.keys()) if (!this.#mine.has(partition)) this.#guarded.delete(partition);
    this.report();
  }

  /**
   * To be called for each batch before its keys are added, when it is known what is committed.
   * @param othersReadOn whether others have handled records of the partition since its last batch
   * @param unwritten fingerprints of the partition's keys that were added and may not be in the index yet
   */
  reading(partition: number, othersReadOn: boolean, unwritten: () => Iterable<number>): void {
    if (!this.#mine.has(partition) || this.#without.has(partition) || this.#options.bytesMax === 0) return;
    if (this.#guarded.has(partition) && !othersReadOn) return;
    const filter = new KeyFilter();
    for (const fingerprint of unwritten()) filter.add(fingerprint);
    this.#guarded.set(partition, { filter, whole: false });
    this.#wanted.add(partition);
    this.#building ??= this.#build();
    this.report();
  }

  /** Adds a key by its fingerprint, 32 bits of it; true when the key is surely new. */
  add(partition: number, fingerprint: number): boolean {
    const guarded = this.#guarded.get(partition);
    if (!guarded) return false;
    return guarded.filter.add(fingerprint) && guarded.whole;
  }

  /** Resolves when no filter is being built. */
  async built(): Promise<void> {
    while (this.#building) await this.#building;
  }

  /** Builds nothing any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.built();
  }

  async #build(): Promise<void> {
    // Partitions that begin in one turn are read in one go.
    await new Promise(setImmediate);
    while (this.#wanted.size > 0 && !this.#closed) {
      const begun = new Map<number, Guarded>();
      for (const partition of this.#wanted) {
        const guarded = this.#guarded.get(partition);
        if (guarded) begun.set(partition, guarded);
      }
      this.#wanted = new Set();
      const { shards } = this.#options.clickhouse;
      const byShard = Map.groupBy(begun, ([partition]) => shards[partition % shards.length]);
      const built = await Promise.all(
        [...byShard].map(([shard, own]) => shard && this.#buildFrom(shard, new Map(own))),
      );
      if (built.includes(false)) await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS));
      this.report();
    }
    this.#building = undefined;
  }

  /** False where it has to be tried again. */
  async #buildFrom(shard: ClickHouse, begun: ReadonlyMap<number, Guarded>): Promise<boolean> {
    try {
      await this.#readIndex(shard, begun);
      for (const guarded of begun.values()) guarded.whole = true;
      return true;
    } catch (err) {
      // Nothing but speed depends on it: the index goes on answering.
      this.#options.log.warn({ err: messageOf(err) }, 'could not read the index into the filters, trying again');
      for (const [partition, guarded] of begun) {
        if (this.#guarded.get(partition) === guarded) this.#wanted.add(partition);
      }
      return false;
    }
  }

  async #readIndex(shard: ClickHouse, begun: ReadonlyMap<number, Guarded>): Promise<void> {
    const { clickhouse, metered, log } = this.#options;
    const startedAt = Date.now();
    const of = { topic: metered.topic, partitions: metered.partitions };
    const epochs = (await clickhouse.query<{ epoch: number }>(EPOCHS, of)).map(({ epoch }) => epoch);
    const params = { epochs, partitions: [...begun.keys()] };
    let keys = 0;
    let left: Buffer = Buffer.alloc(0);
    for await (const chunk of shard.streamRaw(KEYS, params)) {
      const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
      const whole = bytes.length - (bytes.length % ROW_BYTES);
      for (let from = 0; from < whole; from += ROWS_AT_A_TIME * ROW_BYTES) {
        const to = Math.min(from + ROWS_AT_A_TIME * ROW_BYTES, whole);
        this.#take(bytes, from, to, begun);
        keys += (to - from) / ROW_BYTES;
        await new Promise(setImmediate);
      }
      left = bytes.subarray(whole);
      this.#forgetWhatIsTooLarge();
      if (this.#closed) return;
    }
    log.info({ partitions: begun.size, keys, ms: Date.now() - startedAt }, 'filters built');
  }

  #take(rows: Buffer, from: number, to: number, begun: ReadonlyMap<number, Guarded>): void {
    for (let at = from; at < to; at += ROW_BYTES) {
      const fingerprint = rows.readUInt32LE(at);
      const partition = rows.readUInt32LE(at + 4);
      if (partition !== ANY_PARTITION) begun.get(partition)?.filter.add(fingerprint);
      else for (const { filter } of begun.values()) filter.add(fingerprint);
    }
  }

  /** The largest go first, since they free most. */
  #forgetWhatIsTooLarge(): void {
    const { bytesMax, log } = this.#options;
    const bySize = [...this.#guarded].sort(([, a], [, b]) => b.filter.bytes - a.filter.bytes);
    let bytes = bySize.reduce((sum, [, { filter }]) => sum + filter.bytes, 0);
    for (const [partition, { filter }] of bySize) {
      if (bytes <= bytesMax) return;
      log.warn({ partition, bytes, bytesMax }, 'no room for this partition’s filter, the index answers for it');
      this.#guarded.delete(partition);
      this.#without.add(partition);
      bytes -= filter.bytes;
    }
  }

  /** Tells the metrics how things stand; to be called when keys were added, too. */
  report(): void {
    this.#forgetWhatIsTooLarge();
    const { filterKeys, filterBytes, filterPartitions } = this.#options.metrics;
    const whole = [...this.#guarded.values()].filter((guarded) => guarded.whole).length;
    filterPartitions.set({ state: 'whole' }, whole);
    filterPartitions.set({ state: 'building' }, this.#guarded.size - whole);
    filterPartitions.set({ state: 'none' }, Math.max(this.#mine.size - this.#guarded.size, 0));
    const filters = [...this.#guarded.values()].map(({ filter }) => filter);
    filterKeys.set(filters.reduce((sum, { keys }) => sum + keys, 0));
    filterBytes.set(filters.reduce((sum, { bytes }) => sum + bytes, 0));
  }
}
