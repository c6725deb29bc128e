/**
 * The lane that goes through the producer client, as a journey service would use it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProducerError, type TallyProducer } from '@tally/producer';
import type { Interaction, TallyRecord } from '@tally/schemas';
import type { Report } from './report.ts';
import { identityOf } from './sends.ts';

/** The calls of the producer client that the simulator makes. */
export type ProducerCalls = Pick<
  TallyProducer,
  'email' | 'sms' | 'push' | 'voice' | 'formSubmission' | 'custom' | 'void' | 'profile'
>;

export interface ClientLaneOptions {
  producer: ProducerCalls;
  /** Calls made and not yet settled; further ones wait. */
  inFlightMax: number;
  /** Wait before a failed call is made again, milliseconds. */
  retryWaitMs: number;
  report: Report;
}

export class ClientLane {
  readonly #options: ClientLaneOptions;
  /** The latest call of every identity in flight: the next one waits for it, or a retry could overtake it. */
  readonly #inFlight = new Map<string, Promise<void>>();
  #calls = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(options: ClientLaneOptions) {
    this.#options = options;
  }

  /** Sends a record; resolves when the next one may be added. Throws what ended an earlier call for good. */
  async add(record: TallyRecord): Promise<void> {
    this.#throwFailure();
    const identity = identityOf(record);
    const before = this.#inFlight.get(identity);
    this.#calls++;
    const call = (before ? before.then(() => this.#send(record)) : this.#send(record))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#calls--;
        if (this.#inFlight.get(identity) === call) this.#inFlight.delete(identity);
        this.#wake?.();
      });
    this.#inFlight.set(identity, call);
    while (this.#calls >= this.#options.inFlightMax) await this.#settled();
  }

  /** Resolves when every record is acknowledged. Throws what ended a call for good. */
  async end(): Promise<void> {
    while (this.#calls > 0) await this.#settled();
    this.#throwFailure();
  }

  async #send(record: TallyRecord): Promise<void> {
    const { producer, retryWaitMs, report } = this.#options;
    for (;;) {
      try {
        await callOf(producer, record);
        report.client++;
        return;
      } catch (error) {
        if (!(error instanceof ProducerError)) throw error;
        if (error.code === 'RECORD_INVALID' || error.code === 'RECORD_TOO_LARGE') {
          report.surprise(`the client refused a valid ${record.schema}: ${error.message}`);
          return;
        }
        if (!error.retriable || this.#failure !== undefined) throw error;
        if (error.code === 'NOT_ACKNOWLEDGED') report.uncertainRetries++;
        await sleep(retryWaitMs);
      }
    }
  }

  async #settled(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function callOf(producer: ProducerCalls, record: TallyRecord): Promise<void> {
  switch (record.schema) {
    case 'Interaction':
      return interactionCall(producer, record.value);
    case 'InteractionVoided':
      return producer.void(record.value);
    case 'ProfileRecord':
      return producer.profile(record.value);
  }
}

function interactionCall(producer: ProducerCalls, interaction: Interaction): Promise<void> {
  const { channel, direction, journeyId, provider, ...rest } = interaction;
  const input = { ...rest, ...(journeyId !== null && { journeyId }), ...(provider !== null && { provider }) };
  switch (channel) {
    case 'email':
      return producer.email(input);
    case 'sms':
      return producer.sms(input);
    case 'push':
      return producer.push(input);
    case 'voice':
      return producer.voice(input);
    case 'form_submission':
      return producer.formSubmission(input);
    case 'custom':
      return producer.custom({ ...input, direction });
  }
}
