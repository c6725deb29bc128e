/**
 * The simulator's stream, sent through the client at the pace of the faults: there is always work for a fault to hit,
 * and when the last fault is done the rest goes out at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafka, Sender } from '@tally/platform/kafka';
import { TallyProducer } from '@tally/producer';
import type { Topics } from '@tally/schemas';
import {
  type GenerateOptions,
  generateSends,
  type Send,
  type SendAllResult,
  sendAll,
  type Truth,
} from '@tally/simulator';
import { log } from './system.ts';

/** Shorter than an outage of Kafka: batches are given up and their records sent anew, as duplicates. */
const DELIVERY_TIMEOUT_MS = 15_000;
const BATCH_RECORDS_MAX = 200;
const CALLS_IN_FLIGHT_MAX = 2_000;
const RETRY_WAIT_MS = 200;
const TICK_MS = 50;

/**
 * The stream without the requests that only the gateway can refuse; all records take the client's way. The same options
 * give the same stream.
 */
export function* streamOf(options: GenerateOptions): Generator<Send, void, undefined> {
  for (const send of generateSends(options)) {
    if (send.kind === 'record') yield { ...send, lane: 'client' };
    else if (send.kind === 'raw') yield send;
  }
}

/** Lets calls pass for as long as `allowed` says there is room for one more. */
export class Pace {
  readonly #allowed: (passed: number) => boolean;
  #tick: Promise<void> | undefined;
  passed = 0;

  constructor(allowed: (passed: number) => boolean) {
    this.#allowed = allowed;
  }

  async pass(): Promise<void> {
    while (!this.#allowed(this.passed)) await this.#nextTick();
    this.passed++;
  }

  #nextTick(): Promise<void> {
    this.#tick ??= sleep(TICK_MS).finally(() => {
      this.#tick = undefined;
    });
    return this.#tick;
  }
}

/** Where the stream goes. */
export interface Sent {
  stack: { kafka: string };
  topics: Topics;
}

/** Sends all of it; resolves when everything is acknowledged, however long servers are away. */
export async function sendStream(
  system: Sent,
  { sends, truth, pace }: { sends: Iterable<Send>; truth: Truth; pace: Pace },
): Promise<SendAllResult> {
  const brokers = [system.stack.kafka];
  const producer = new TallyProducer({
    brokers,
    clientId: 'tally-chaos',
    deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
    batchRecordsMax: BATCH_RECORDS_MAX,
    log,
  });
  const raw = new Sender({
    kafka: createKafka({ brokers, clientId: 'tally-chaos-raw', log }),
    log,
    deliveryTimeoutMs: Number.POSITIVE_INFINITY,
  });
  const paced =
    <Input>(call: (input: Input) => Promise<void>) =>
    async (input: Input): Promise<void> => {
      await pace.pass();
      await call(input);
    };
  try {
    return await sendAll({
      sends,
      producer: {
        email: paced((input) => producer.email(input)),
        sms: paced((input) => producer.sms(input)),
        push: paced((input) => producer.push(input)),
        voice: paced((input) => producer.voice(input)),
        formSubmission: paced((input) => producer.formSubmission(input)),
        custom: paced((input) => producer.custom(input)),
        void: paced((input) => producer.void(input)),
        profile: paced((input) => producer.profile(input)),
      },
      // Nothing in the stream goes there.
      gatewayUrl: 'http://127.0.0.1:1',
      gatewayKey: '',
      sendRaw: (records) => raw.send(records.map((record) => ({ ...record, topic: system.topics[record.topic] }))),
      truth,
      clientInFlightMax: CALLS_IN_FLIGHT_MAX,
      // Spread over the log like everything else, so that crashes hit batches with malformed records in them.
      rawBatchSize: 1,
      retryWaitMs: RETRY_WAIT_MS,
    });
  } finally {
    await producer.close();
    await raw.close();
  }
}
