/**
 * The flow of a batch: decode, first occurrence or not, one insert. The commit follows when `write` has resolved.
 *
 * What a crash costs after each step:
 *   1. dead letters sent         they are sent again, with the same origin; nothing is counted
 *   2. index asked               nothing
 *   3. inserted                  the batch comes again; its rows are found at their own positions and written again,
 *                                which changes no set
 *   4. committed                 nothing
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { IncomingBatch, OutgoingRecord, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import type { Fault, Topics } from '@tally/schemas';
import { deadLetter } from './dead-letter.ts';
import { decodeEvent, decodeProfile, type LogEvent, type Place } from './decode.ts';
import { lookUp } from './event-index.ts';
import { decide } from './first-occurrence.ts';
import { Cursor } from './gaps.ts';
import type { IdentifierHasher } from './identifiers.ts';
import type { MeteredLog } from './logs.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { positionOf } from './position.ts';
import {
  type EmptyRow,
  encodeEvents,
  encodeProfiles,
  INGEST_COLUMNS,
  INGEST_PROFILE_COLUMNS,
  type ProfileRow,
} from './rows.ts';

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
  metrics: ConsumerMetrics;
  log: Logger;
  /** Where a partition is to be read on from when it has just been assigned. */
  committed: (topic: string, partition: number) => Promise<bigint>;
  /** What the log has of a partition now: its first offset, and where the next record will stand. */
  extent: (topic: string, partition: number) => Promise<{ start: bigint; end: bigint }>;
  /** How many partitions the topic has now. */
  partitionsNow: (topic: string) => Promise<number>;
  /** Ends the waits between retries when the process is to stop. */
  stopping: AbortSignal;
  checkpoint?: (place: Checkpoint) => Promise<void>;
}

/** The rows of a group of batches, before it is known which count. */
interface Decoded {
  events: LogEvent[];
  profiles: ProfileRow[];
  emptyEvents: EmptyRow[];
  emptyProfiles: EmptyRow[];
  deadLetters: OutgoingRecord[];
}

const RETRY_WAIT_MS_FIRST = 100;
const RETRY_WAIT_MS_MAX = 5_000;

export class Ingest {
  readonly #options: IngestOptions;
  #cursors = new Map<string, Cursor>();

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** Forgets where partitions were left: they may have been others' meanwhile. */
  reassigned(): void {
    this.#cursors = new Map();
  }

  /** Writes batches of any partitions; each partition's batches in the order of their offsets. */
  async write(batches: readonly IncomingBatch[]): Promise<void> {
    // 1. Decode and validate; what fails goes to the dead letters, acknowledged.
    const decoded = await this.#decode(batches);
    await this.#options.checkpoint?.('decoded');
    await this.#timed('dead-letters', () => this.#options.sender.send(decoded.deadLetters));
    await this.#options.checkpoint?.('dead-letters-sent');

    // 2. Ask the index which keys are known.
    const { clickhouse } = this.#options;
    const keys = decoded.events.map(({ eventKey }) => eventKey);
    const known = await this.#timed('look-up', () => this.#untilDone('look-up', () => lookUp(clickhouse, keys)));
    await this.#options.checkpoint?.('looked-up');
    const decided = decide(decoded.events, known);

    // 3. One insert with every row's outcome, tried with the same bytes until it is acknowledged.
    if (decided.length + decoded.emptyEvents.length > 0) {
      const rows = encodeEvents(decided, decoded.emptyEvents);
      await this.#insert('ingest', INGEST_COLUMNS, rows);
    }
    if (decoded.profiles.length + decoded.emptyProfiles.length > 0) {
      const rows = encodeProfiles(decoded.profiles, decoded.emptyProfiles);
      await this.#insert('ingest_profiles', INGEST_PROFILE_COLUMNS, rows);
    }
    await this.#options.checkpoint?.('inserted');
    for (const batch of batches) this.#cursors.get(partitionName(batch))?.advance(batch);
    this.#count(batches, decided, decoded);
  }

  async #decode(batches: readonly IncomingBatch[]): Promise<Decoded> {
    const into: Decoded = { events: [], profiles: [], emptyEvents: [], emptyProfiles: [], deadLetters: [] };
    for (const batch of batches) {
      const place = this.#place(batch);
      const cursor = await this.#cursor(batch);
      const empty = place.kind === 'interactions' ? into.emptyEvents : into.emptyProfiles;
      for (const offset of cursor.gaps(batch)) {
        empty.push({ position: positionOf(place.epoch, batch.partition, offset), outcome: 'control' });
      }
      for (const record of batch.records) {
        const position = positionOf(place.epoch, batch.partition, record.offset);
        let fault: Fault | undefined;
        if (place.kind === 'interactions') {
          const event = decodeEvent(record, place, position);
          if (event.ok) into.events.push(event.event);
          else fault = event.fault;
        } else {
          const profile = decodeProfile(record, place);
          if (profile.ok) into.profiles.push(this.#profileRow(position, profile.record));
          else fault = profile.fault;
        }
        if (!fault) continue;
        if (fault.reason === 'wrong-partition') await this.#refuseMorePartitions(batch.topic, place.partitions);
        empty.push({ position, outcome: 'dead-letter' });
        const { topic, partition } = batch;
        const origin = { topic, epoch: place.epoch, partition, service: 'consumer' };
        into.deadLetters.push(deadLetter(record, fault, origin, this.#options.topics.deadLetters));
        this.#options.metrics.deadLetters.inc({ reason: fault.reason });
      }
    }
    return into;
  }

  /** With partitions added, producers place records rightly that look wrong from here. */
  async #refuseMorePartitions(topic: string, partitions: number): Promise<void> {
    const now = await this.#options.partitionsNow(topic);
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
    return { kind, epoch: log.epoch, partition, partitions: log.partitions };
  }

  async #cursor(batch: IncomingBatch): Promise<Cursor> {
    const name = partitionName(batch);
    let cursor = this.#cursors.get(name);
    if (!cursor) {
      cursor = new Cursor(await this.#options.committed(batch.topic, batch.partition));
      this.#cursors.set(name, cursor);
    }
    if (batch.fetchedFrom > cursor.next) await this.#refuseExpired(batch, cursor.next);
    if (cursor.wasShorter(batch)) await this.#refuseShorter(batch, cursor.next);
    return cursor;
  }

  /** Only what the log is now tells a shorter log from a batch that was fetched before others read on. */
  async #refuseShorter({ topic, partition }: IncomingBatch, next: bigint): Promise<void> {
    const { end } = await this.#options.extent(topic, partition);
    if (end >= next) return;
    throw new TallyError(`${topic}/${partition} ends at ${end}, it was read up to ${next} before`, {
      code: 'LOG_WENT_BACK',
      retriable: false,
    });
  }

  /** A fetch that begins later than the last one ended skipped control records, or records that expired unread. */
  async #refuseExpired({ topic, partition }: IncomingBatch, next: bigint): Promise<void> {
    const { start } = await this.#options.extent(topic, partition);
    if (start <= next) return;
    throw new TallyError(
      `${topic}/${partition} begins at ${start}, it was read up to ${next}: records expired unread`,
      {
        code: 'LOG_EXPIRED',
        retriable: false,
      },
    );
  }

  #insert(table: string, columns: readonly string[], rows: Buffer): Promise<void> {
    const { clickhouse, checkpoint } = this.#options;
    const halfway = checkpoint && (() => checkpoint('insert-half-sent'));
    return this.#timed('insert', () =>
      this.#untilDone('insert', () => clickhouse.insertRowBinary(table, columns, rows, halfway)),
    );
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

  async #timed<Result>(step: string, work: () => Promise<Result>): Promise<Result> {
    const done = this.#options.metrics.batchSeconds.startTimer({ step });
    try {
      return await work();
    } finally {
      done();
    }
  }

  #count(batches: readonly IncomingBatch[], decided: readonly { outcome: string }[], decoded: Decoded): void {
    const { metrics, topics } = this.#options;
    const events = [...decided, ...decoded.emptyEvents].map(({ outcome }) => outcome);
    const profiles = [...decoded.profiles.map(() => 'counted'), ...decoded.emptyProfiles.map(({ outcome }) => outcome)];
    for (const [topic, outcomes] of [
      [topics.interactions, events],
      [topics.profiles, profiles],
    ] as const) {
      const counts = new Map<string, number>();
      for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      for (const [outcome, count] of counts) metrics.outcomes.inc({ topic, outcome }, count);
    }
    metrics.batchRecords.observe(events.length + profiles.length);
    for (const { topic, partition, end, lastOffset } of batches) {
      metrics.lag.set({ topic, partition }, Number(end - lastOffset - 1n));
    }
  }
}

function partitionName({ topic, partition }: IncomingBatch): string {
  return `${topic}/${partition}`;
}
