/**
 * Hands records to the log and says of each what became of it, within a time. "Accepted" is said only of a record whose
 * acknowledgement has arrived.
 */
import { messageOf } from '@tally/platform/errors';
import type { Logger } from '@tally/platform/log';
import { ProducerError } from '@tally/producer';
import type { TallyRecord } from '@tally/schemas';
import type { FaultCode } from './codes.ts';

/**
 * Takes a record at once and resolves when the log has it; records of one entity arrive in the order of the calls.
 * Rejects with a ProducerError.
 */
export type EventSink = (record: TallyRecord) => Promise<void>;

export type Outcome =
  | { status: 'accepted' }
  | { status: 'refused' | 'failed'; code: FaultCode; detail: string; retriable: boolean };

export interface DeliveryOptions {
  send: EventSink;
  log: Logger;
  /** How long to wait for acknowledgements before an event counts as failed, milliseconds. */
  answerMsMax: number;
  /** Events handed over and not settled yet; beyond it there is no room. */
  eventsInFlightMax: number;
  /** Told whenever the number of events in flight changes. */
  onInFlight?: (events: number) => void;
  /** Told how long a request's events took, seconds. */
  onSettled?: (seconds: number) => void;
}

const LATE = {
  status: 'failed',
  code: 'kafka-unavailable',
  detail: 'not acknowledged in time; it may still arrive, sending it again does no harm',
  retriable: true,
} as const satisfies Outcome;

export class Delivery {
  readonly #options: DeliveryOptions;
  #inFlight = 0;
  #failing = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Whether the log did not take the latest event it was given. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Whether so many events can be taken now. */
  hasRoom(events: number): boolean {
    return this.#inFlight + events <= this.#options.eventsInFlightMax;
  }

  /** Sends all records, in order, and resolves with their outcomes within `answerMsMax`. Never rejects. */
  async deliver(records: readonly TallyRecord[]): Promise<Outcome[]> {
    const outcomes: (Outcome | undefined)[] = records.map(() => undefined);
    const began = performance.now();
    this.#count(records.length);
    const settled = records.map((record, index) =>
      this.#send(record).then((outcome) => {
        outcomes[index] = outcome;
        this.#count(-1);
      }),
    );
    await this.#inTime(Promise.all(settled));
    this.#options.onSettled?.((performance.now() - began) / 1_000);
    return outcomes.map((outcome) => outcome ?? LATE);
  }

  async #send(record: TallyRecord): Promise<Outcome> {
    try {
      await this.#options.send(record);
      this.#failing = false;
      return { status: 'accepted' };
    } catch (error) {
      return this.#outcomeOf(error);
    }
  }

  #outcomeOf(error: unknown): Outcome {
    switch (error instanceof ProducerError ? error.code : undefined) {
      case 'RECORD_INVALID':
        return { status: 'refused', code: 'invalid-record', detail: messageOf(error), retriable: false };
      case 'RECORD_TOO_LARGE':
        return { status: 'refused', code: 'record-too-large', detail: messageOf(error), retriable: false };
      case 'BUFFER_FULL':
        return {
          status: 'failed',
          code: 'back-pressure',
          detail: 'the log is slower than its senders',
          retriable: true,
        };
      case 'NOT_ACKNOWLEDGED':
        this.#failing = true;
        return { ...LATE, detail: 'the brokers did not acknowledge it' };
      case 'PRODUCER_CLOSED':
        return { status: 'failed', code: 'shutting-down', detail: 'this instance is shutting down', retriable: true };
      default:
        this.#options.log.error({ err: error }, 'an event could not be sent');
        return { status: 'failed', code: 'internal', detail: 'the fault is in the service', retriable: true };
    }
  }

  async #inTime(settled: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#failing = true;
        resolve();
      }, this.#options.answerMsMax);
    });
    await Promise.race([settled, late]);
    clearTimeout(timer);
  }

  #count(change: number): void {
    this.#inFlight += change;
    this.#options.onInFlight?.(this.#inFlight);
  }
}
