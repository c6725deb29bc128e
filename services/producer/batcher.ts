/**
 * Collects records into batches with named limits and sends one batch at a time. Back-pressure is the promise: a call
 * resolves when the broker has its record, and calls beyond the buffer wait for room before they are buffered.
 */
import { messageOf, TallyError } from '@tally/platform/errors';
import type { OutgoingRecord } from '@tally/platform/kafka';
import { ProducerError } from './errors.ts';

export interface BatcherLimits {
  /** How long a record may wait for company, milliseconds. Default 5. */
  lingerMsMax: number;
  /** Records in one batch. Default 5,000. */
  batchRecordsMax: number;
  /** Bytes of keys and values in one batch. Default 524,288. */
  batchBytesMax: number;
  /** Records taken and not yet acknowledged; further calls wait. Default 20,000. */
  bufferedRecordsMax: number;
  /** Calls waiting for room; further ones fail with `BUFFER_FULL`. Default 100,000. */
  waitingCallsMax: number;
}

interface Entry {
  record: OutgoingRecord;
  bytes: number;
  /** When it was handed over, milliseconds UTC. */
  since: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Sends a batch; `since` is when its oldest record was handed over. */
type SendBatch = (records: OutgoingRecord[], since: number) => Promise<void>;

export class Batcher {
  readonly #limits: BatcherLimits;
  readonly #send: SendBatch;
  #buffered: Entry[] = [];
  #inFlight = 0;
  #waiting: Entry[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(limits: BatcherLimits, send: SendBatch) {
    this.#limits = limits;
    this.#send = send;
  }

  /** Records taken and not yet acknowledged, calls that wait for room included. */
  get pending(): number {
    return this.#buffered.length + this.#inFlight + this.#waiting.length;
  }

  /** Whether the buffer has no room: a call made now would wait. */
  get full(): boolean {
    return this.#waiting.length > 0 || this.#buffered.length + this.#inFlight >= this.#limits.bufferedRecordsMax;
  }

  /** Resolves when the record is acknowledged. */
  add(record: OutgoingRecord): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new ProducerError('the producer is closed', { code: 'PRODUCER_CLOSED', retriable: false }));
    }
    if (this.#waiting.length >= this.#limits.waitingCallsMax) {
      return Promise.reject(
        new ProducerError(`${this.#waiting.length} calls already wait for room`, {
          code: 'BUFFER_FULL',
          retriable: true,
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
      const entry = { record, bytes, since: Date.now(), resolve, reject };
      if (this.full) this.#waiting.push(entry);
      else this.#buffered.push(entry);
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing is left to send; under steady traffic that may be never. */
  async flush(): Promise<void> {
    await this.#draining;
  }

  /** Refuses further records, then flushes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#limits.lingerMsMax));
    while (this.#buffered.length > 0) {
      const batch = this.#take();
      await this.#deliver(batch);
      this.#admit();
    }
    this.#draining = undefined;
  }

  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#buffered) {
      if (count === this.#limits.batchRecordsMax) break;
      if (count > 0 && bytes + entry.bytes > this.#limits.batchBytesMax) break;
      bytes += entry.bytes;
      count++;
    }
    return this.#buffered.splice(0, count);
  }

  async #deliver(batch: Entry[]): Promise<void> {
    this.#inFlight = batch.length;
    try {
      await this.#send(
        batch.map(({ record }) => record),
        batch[0]?.since ?? Date.now(),
      );
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      const error = new ProducerError(`the brokers did not acknowledge the record: ${messageOf(cause)}`, {
        code: 'NOT_ACKNOWLEDGED',
        retriable: cause instanceof TallyError ? cause.retriable : true,
        cause,
      });
      for (const { reject } of batch) reject(error);
    } finally {
      this.#inFlight = 0;
    }
  }

  #admit(): void {
    const room = this.#limits.bufferedRecordsMax - this.#buffered.length;
    for (const entry of this.#waiting.splice(0, room)) this.#buffered.push(entry);
  }
}
