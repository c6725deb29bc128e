/**
 * Writes attempts down, those of all targets together: a part of its own for each would be more than ClickHouse can merge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Logger } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { type Delivery, recordDeliveries } from './deliveries.ts';

/** Between two inserts; the first after a pause goes at once. */
const INSERT_GAP_MS_MIN = 50;
const RETRY_WAIT_MS_FIRST = 200;
const RETRY_WAIT_MS_MAX = 5_000;

export interface RecorderOptions {
  clickhouse: ClickHouse;
  log: Logger;
  /** Ends the retries. */
  signal: AbortSignal;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #rows: Delivery[] = [];
  /** Settles with the insert that `#rows` will be in. */
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();
  #lastInsertAt = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when the row is on disk, however long ClickHouse is away; rejects when the signal ends the tries. */
  add(row: Delivery): Promise<void> {
    this.#rows.push(row);
    this.#next ??= this.#insertAfter(this.#current);
    return this.#next;
  }

  async #insertAfter(previous: Promise<void>): Promise<void> {
    await previous.catch(() => undefined);
    const waitMs = this.#lastInsertAt + INSERT_GAP_MS_MIN - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const rows = this.#rows;
    this.#rows = [];
    this.#current = this.#next ?? Promise.resolve();
    this.#next = undefined;
    const { clickhouse, log, signal } = this.#options;
    await retryForever(() => recordDeliveries(clickhouse, rows), {
      waitMsFirst: RETRY_WAIT_MS_FIRST,
      waitMsMax: RETRY_WAIT_MS_MAX,
      isRetriable: () => true,
      onFailure: (err, attempt, waitMs) =>
        log.error({ err, attempt, waitMs, rows: rows.length }, 'attempts cannot be recorded'),
      signal,
    });
    this.#lastInsertAt = performance.now();
  }
}
