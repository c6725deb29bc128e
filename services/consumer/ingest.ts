/**
 * The flow of a group of batches: decode, first occurrence or not, one insert, commit.
 *
 * What a crash costs after each step:
 *   1. dead letters sent         they are sent again, with the same origin; nothing is counted
 *   2. index asked               nothing
 *   3. inserted                  the batches come again; their rows are found at their own positions and written again,
 *                                which changes no set
 *   4. committed                 nothing
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Handled, IncomingBatch, IncomingRecord, OutgoingRecord, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import type { Fault, Topics } from '@tally/schemas';
import { deadLetter } from './dead-letter.ts';
import { decideRows, keysToAsk } from './decide-rows.ts';
import { decodeEvent, decodeProfile, type Place } from './decode.ts';
import { EventColumns, ROW_KIND } from './event-columns.ts';
import { lookUp } from './event-index.ts';
import { Cursor } from './gaps.ts';
import type { GroupTrace } from './group-trace.ts';
import { KEY_BYTES } from './hash.ts';
import type { IdentifierHasher } from './identifiers.ts';
import { InteractionReader } from './interaction-reader.ts';
import type { KeyFilters } from './key-filters.ts';
import type { MeteredLog } from './logs.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { positionOf } from './position.ts';
import { type EmptyRow, encodeProfiles, INGEST_PROFILE_COLUMNS, type ProfileRow } from './rows.ts';
import type { SchemaTopic } from './schema-topic.ts';
import { Unwritten } from './unwritten.ts';

/** Named places between the steps, where a test may make the process die or freeze. Nothing is passed in production. */
export const CHECKPOINTS = [
  'decoded',
  'dead-letters-sent',
  'looked-up',
  'insert-half-sent',
  'inserted',
  'before-commit',
  'committed',
] as const;

export type Checkpoint = (typeof CHECKPOINTS)[number];

export interface IngestOptions {
  clickhouse: ClickHouse;
  /** Sends dead letters; must not give up. */
  sender: Pick<Sender, 'send'>;
  topics: Topics;
  logs: { interactions: MeteredLog; profiles: MeteredLog };
  hasher: IdentifierHasher;
  /** What stands in front of the index; without it, the index is asked about every key. */
  filters?: KeyFilters;
  metrics: ConsumerMetrics;
  log: Logger;
  /** Where a partition is to be read on from when it has just been assigned. */
  committed: (topic: string, partition: number) => Promise<bigint>;
  /** What the log has of a partition now: its first offset, and where the next record will stand. */
  extent: (topic: string, partition: number) => Promise<{ start: bigint; end: bigint }>;
  /** Told of what is written. */
  commit: (handled: readonly Handled[]) => Promise<void>;
  /** Versions of schemas that this code does not know. */
  schemas: Pick<SchemaTopic, 'find' | 'refresh'>;
  /** How many partitions the topic has now. */
  partitionsNow: (topic: string) => Promise<number>;
  /** Ends the waits between retries when the process is to stop. */
  stopping: AbortSignal;
  checkpoint?: (place: Checkpoint) => Promise<void>;
  /** What the spans of a group hang on; without it no header is looked at. */
  trace?: () => GroupTrace;
}

/** A group of batches, before it is known which of its events count. */
export interface Group {
  events: EventColumns;
  /** Which rows of `events` came from which partition. */
  stretches: { partition: number; from: number; to: number }[];
  profiles: ProfileRow[];
  emptyProfiles: EmptyRow[];
  deadLetters: OutgoingRecord[];
  handled: Handled[];
  /** How far each batch was behind the end of its partition. */
  lags: { topic: string; partition: number; records: number }[];
  trace: GroupTrace | undefined;
}

/** Where a partition was left. */
interface Reading {
  cursor: Cursor;
  /** Partitions were assigned since: others may have read on. */
  stale: boolean;
}

const RETRY_WAIT_MS_FIRST = 100;
const RETRY_WAIT_MS_MAX = 5_000;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #readings = new Map<string, Reading>();
  readonly #unwritten = new Unwritten();
  readonly #reader = new InteractionReader();

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** To be told when partitions were assigned: any may have been others' meanwhile. */
  reassigned(): void {
    for (const reading of this.#readings.values()) reading.stale = true;
  }

  /** A group with nothing in it. */
  open(): Group {
    return {
      events: new EventColumns(),
      stretches: [],
      profiles: [],
      emptyProfiles: [],
      deadLetters: [],
      handled: [],
      lags: [],
      trace: this.#options.trace?.(),
    };
  }

  /** Step 1: decodes and validates a batch; each partition's batches come in the order of their offsets. */
  async read(batch: IncomingBatch, into: Group): Promise<void> {
    const place = this.#place(batch);
    const reading = await this.#reading(batch, place);
    const gaps = reading.cursor.gaps(batch);
    const beganAt = Date.now();
    await this.#timed('decode', async () => {
      if (place.kind === 'interactions') await this.#decodeEvents(batch, place, gaps, into);
      else await this.#decodeProfiles(batch, place, gaps, into);
    });
    reading.cursor.advance(batch);
    into.trace?.read(batch, beganAt);
    const { topic, partition, lastOffset, end } = batch;
    into.lags.push({ topic, partition, records: end - lastOffset - 1 });
    into.handled.push({ topic, partition, offset: lastOffset + 1 });
    // Answers to what other lanes asked wait meanwhile.
    await new Promise(setImmediate);
  }

  /** Steps 2 to 4; resolves when the group's rows are written and its offsets are committed. */
  async write(group: Group): Promise<void> {
    try {
      await this.#write(group);
      group.trace?.end();
    } catch (error) {
      group.trace?.end(error);
      throw error;
    }
  }

  async #write(group: Group): Promise<void> {
    const { sender, checkpoint, commit } = this.#options;
    const { events, profiles, emptyProfiles, deadLetters, trace } = group;
    // A lane has partitions of one shard alone, see lanes.ts.
    const clickhouse = this.#shardOf(group);
    await checkpoint?.('decoded');
    // What failed in step 1 goes to the dead letters, acknowledged.
    if (deadLetters.length > 0) await this.#timed('dead-letters', () => sender.send(deadLetters), trace);
    await checkpoint?.('dead-letters-sent');

    // 2. Ask the index which keys are known, of those that are not surely new.
    this.#unwritten.add(group);
    const surelyNew = this.#filter(group);
    const keys = keysToAsk(events, surelyNew);
    this.#options.metrics.keysAsked.inc(keys.length / KEY_BYTES);
    const known = await this.#timed('look-up', () => this.#untilDone('look-up', () => lookUp(clickhouse, keys)), trace);
    await checkpoint?.('looked-up');
    decideRows(events, known, surelyNew);

    // 3. One insert with every row's outcome, tried with the same bytes until it is acknowledged.
    const halfway = checkpoint && (() => checkpoint('insert-half-sent'));
    if (events.rows > 0) {
      const block = events.bytes();
      await this.#insert(() => clickhouse.insertNative('ingest', block, halfway), trace);
    }
    if (profiles.length + emptyProfiles.length > 0) {
      const rows = encodeProfiles(profiles, emptyProfiles);
      await this.#insert(
        () => clickhouse.insertRowBinary('ingest_profiles', INGEST_PROFILE_COLUMNS, rows, halfway),
        trace,
      );
    }
    this.#unwritten.delete(group);
    await checkpoint?.('inserted');
    this.#count(group);

    await checkpoint?.('before-commit');
    await this.#timed('commit', () => commit(group.handled), trace);
    await checkpoint?.('committed');
  }

  #shardOf({ handled }: Group): ClickHouse {
    const { clickhouse } = this.#options;
    const shard = clickhouse.shardOf(handled[0]?.partition ?? 0);
    if (handled.every(({ partition }) => clickhouse.shardOf(partition) === shard)) return shard;
    throw new TallyError('a group has partitions of several shards', { code: 'BUG', retriable: false });
  }

  async #decodeEvents(batch: IncomingBatch, place: Place, gaps: readonly number[], into: Group): Promise<void> {
    const { events } = into;
    const from = events.rows;
    const knowing = this.#knowing();
    for (const offset of gaps) events.appendEmpty('control', place, offset);
    for (const record of batch.records) {
      if (this.#reader.read(record, place)) {
        events.append(this.#reader, place, record.offset);
        continue;
      }
      const position = positionOf(place.epoch, place.partition, BigInt(record.offset));
      const decoded = await knowing(() => decodeEvent(record, place, position));
      if (decoded.ok) events.appendDecoded(decoded.event, place, record.offset);
      else {
        await this.#refuse(batch, place, record, decoded.fault, into);
        events.appendEmpty('dead-letter', place, record.offset);
      }
    }
    into.stretches.push({ partition: place.partition, from, to: events.rows });
  }

  async #decodeProfiles(batch: IncomingBatch, place: Place, gaps: readonly number[], into: Group): Promise<void> {
    const knowing = this.#knowing();
    const positionAt = (offset: number) => positionOf(place.epoch, place.partition, BigInt(offset));
    for (const offset of gaps) into.emptyProfiles.push({ position: positionAt(offset), outcome: 'control' });
    for (const record of batch.records) {
      const position = positionAt(record.offset);
      const decoded = await knowing(() => decodeProfile(record, place));
      if (decoded.ok) into.profiles.push(this.#profileRow(position, decoded.record));
      else {
        await this.#refuse(batch, place, record, decoded.fault, into);
        into.emptyProfiles.push({ position, outcome: 'dead-letter' });
      }
    }
  }

  /**
   * For the records of one batch: one of a version that is not known is decoded again when what was announced before the
   * batch came is known.
   */
  #knowing(): <Decoded extends { ok: true } | { ok: false; fault: Fault }>(decode: () => Decoded) => Promise<Decoded> {
    let asked = false;
    return async (decode) => {
      const decoded = decode();
      if (asked || decoded.ok || decoded.fault.reason !== 'unknown-schema') return decoded;
      await this.#untilDone('schemas', () => this.#options.schemas.refresh());
      asked = true;
      return decode();
    };
  }

  async #refuse(
    { topic, partition }: IncomingBatch,
    place: Place,
    record: IncomingRecord,
    fault: Fault,
    into: Group,
  ): Promise<void> {
    if (fault.reason === 'wrong-partition') await this.#refuseMorePartitions(topic, place.partitions);
    const origin = { topic, epoch: place.epoch, partition, service: 'consumer' };
    into.deadLetters.push(deadLetter(record, fault, origin, this.#options.topics.deadLetters));
    this.#options.metrics.deadLetters.inc({ reason: fault.reason });
  }

  /** By row: 1 where the filters say that the key is surely new. All keys are added to them. */
  #filter({ events, stretches }: Group): Uint8Array {
    const { filters } = this.#options;
    const { kinds, eventKeys } = events;
    const surelyNew = new Uint8Array(events.rows);
    if (!filters) return surelyNew;
    const words = new Uint32Array(eventKeys.buffer, eventKeys.byteOffset, eventKeys.length / 4);
    for (const { partition, from, to } of stretches) {
      for (let row = from; row < to; row++) {
        if (kinds[row] === ROW_KIND.empty) continue;
        if (filters.add(partition, words[(row * KEY_BYTES) / 4] ?? 0)) surelyNew[row] = 1;
      }
    }
    filters.report();
    return surelyNew;
  }

  /** With partitions added, producers place records rightly that look wrong from here. */
  async #refuseMorePartitions(topic: string, partitions: number): Promise<void> {
    const now = await this.#untilDone('offsets', () => this.#options.partitionsNow(topic));
    if (now === partitions) return;
    throw new TallyError(`${topic} had ${partitions} partitions and now has ${now}`, {
      code: 'LOG_PARTITIONS_CHANGED',
      retriable: false,
    });
  }

  #profileRow(position: bigint, record: ProfileRow['record']): ProfileRow {
    const identifiers = record.operation === 'delete' ? [] : record.identifiers;
    return { position, record, identifiers: this.#options.hasher.hash(record.tenantId, identifiers) };
  }

  #place({ topic, partition }: IncomingBatch): Place {
    const kind = topic === this.#options.topics.interactions ? 'interactions' : 'profiles';
    const log = this.#options.logs[kind];
    if (partition >= log.partitions) {
      throw new TallyError(`${topic} had ${log.partitions} partitions, a record came from partition ${partition}`, {
        code: 'LOG_PARTITIONS_CHANGED',
        retriable: false,
      });
    }
    return { kind, epoch: log.epoch, partition, partitions: log.partitions, newer: this.#options.schemas };
  }

  /** Where the batch's partition is to be read on from; what others have handled meanwhile is not read again. */
  async #reading(batch: IncomingBatch, place: Place): Promise<Reading> {
    const name = `${batch.topic}/${batch.partition}`;
    let reading = this.#readings.get(name);
    let othersReadOn = false;
    if (!reading || reading.stale || batch.fetchedFrom > reading.cursor.next) {
      const ask = () => this.#options.committed(batch.topic, batch.partition);
      const committed = Number(await this.#untilDone('offsets', ask));
      othersReadOn = reading !== undefined && committed > reading.cursor.next;
      const next = Math.max(committed, reading?.cursor.next ?? 0);
      reading = { cursor: new Cursor(next), stale: false };
      this.#readings.set(name, reading);
    }
    const { next } = reading.cursor;
    if (batch.fetchedFrom > next) await this.#refuseExpired(batch, next);
    if (reading.cursor.wasShorter(batch)) await this.#refuseShorter(batch, next);
    if (place.kind === 'interactions') {
      const unwritten = () => this.#unwritten.fingerprintsOf(batch.partition);
      this.#options.filters?.reading(batch.partition, othersReadOn, unwritten);
    }
    return reading;
  }

  /** Only what the log is now tells a shorter log from a batch that was fetched before others read on. */
  async #refuseShorter({ topic, partition }: IncomingBatch, next: number): Promise<void> {
    const { end } = await this.#untilDone('offsets', () => this.#options.extent(topic, partition));
    if (end >= next) return;
    throw new TallyError(`${topic}/${partition} ends at ${end}, it was read up to ${next} before`, {
      code: 'LOG_WENT_BACK',
      retriable: false,
    });
  }

  /** A fetch that begins later than the last one ended skipped control records, or records that expired unread. */
  async #refuseExpired({ topic, partition }: IncomingBatch, next: number): Promise<void> {
    const { start } = await this.#untilDone('offsets', () => this.#options.extent(topic, partition));
    if (start <= next) return;
    throw new TallyError(
      `${topic}/${partition} begins at ${start}, it was read up to ${next}: records expired unread`,
      {
        code: 'LOG_EXPIRED',
        retriable: false,
      },
    );
  }

  #insert(insert: () => Promise<void>, trace: GroupTrace | undefined): Promise<void> {
    return this.#timed('insert', () => this.#untilDone('insert', insert), trace);
  }

  #untilDone<Result>(step: string, attempt: () => Promise<Result>): Promise<Result> {
    const { log, metrics, stopping } = this.#options;
    return retryForever(attempt, {
      waitMsFirst: RETRY_WAIT_MS_FIRST,
      waitMsMax: RETRY_WAIT_MS_MAX,
      isRetriable: (error) => error instanceof TallyError && error.retriable,
      signal: stopping,
      onFailure: (err, attempts, waitMs) => {
        metrics.failures.inc({ step });
        log.warn({ err, step, attempts, waitMs }, 'step failed, trying again');
      },
    });
  }

  async #timed<Result>(step: string, work: () => Promise<Result>, trace?: GroupTrace): Promise<Result> {
    const done = this.#options.metrics.batchSeconds.startTimer({ step });
    try {
      return await (trace ? trace.step(step, work) : work());
    } finally {
      done();
    }
  }

  #count({ lags, events, profiles, emptyProfiles }: Group): void {
    const { metrics, topics } = this.#options;
    for (const [outcome, count] of events.outcomes()) {
      if (count > 0) metrics.outcomes.inc({ topic: topics.interactions, outcome }, count);
    }
    if (profiles.length > 0) metrics.outcomes.inc({ topic: topics.profiles, outcome: 'counted' }, profiles.length);
    for (const { outcome } of emptyProfiles) metrics.outcomes.inc({ topic: topics.profiles, outcome });
    metrics.batchRecords.observe(events.rows + profiles.length + emptyProfiles.length);
    for (const { topic, partition, records } of lags) metrics.lag.set({ topic, partition }, records);
  }
}
