/**
 * Sends records with an idempotent producer and acks=all, one request at a time.
 *
 * Why one at a time, and with retries of our own: kafkajs gives a failed request's sequence numbers back. If it was the
 * answer that got lost, a second request in flight would then be sent under numbers the broker already knows, and the
 * broker would acknowledge it as a repetition without writing it: an acknowledged loss. So the same records are tried
 * again alone, under the same numbers, until they are acknowledged; and when they are given up, the producer is thrown
 * away with its numbers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { kafkaError } from './client.ts';
import { partitionOf } from './partition.ts';

export interface OutgoingRecord {
  topic: string;
  key: Buffer | null;
  value: Buffer | null;
  /** A name that is to stand twice has a list. */
  headers?: Record<string, string | Buffer | (string | Buffer)[]>;
  /** Where it goes; without it the key decides, as Kafka's default partitioner does. */
  partition?: number;
}

export interface SenderOptions {
  kafka: Kafka;
  log: Logger;
  /** How long a batch is tried before it is given up, milliseconds; Infinity tries for ever. */
  deliveryTimeoutMs: number;
  /** Longest wait between two tries, milliseconds. Default 2,000. */
  retryWaitMsMax?: number;
}

/**
 * Bytes of one request. All its records may be of one partition, and so of one batch, which the topic's largest message
 * (1 MiB for ours, and Kafka's default) must hold.
 */
const REQUEST_BYTES_MAX = 512 * 1024;
/** What Kafka adds to a record, at most, its headers' lengths left out. */
const RECORD_OVERHEAD_BYTES = 64;
const HEADER_OVERHEAD_BYTES = 10;

interface ByTopic {
  topic: string;
  messages: (Message & { partition: number })[];
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #partitions = new Map<string, number>();
  #producer: Producer | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Connects ahead of the first send, so that a wrong address shows at start. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /**
   * Resolves when the broker has every record (acks=all). Throws TallyError `KAFKA_UNAVAILABLE` (retriable) when the
   * delivery timeout passed; some of the records may then be in the log all the same.
   * @param since when the timeout began, milliseconds UTC; default now
   */
  send(records: readonly OutgoingRecord[], since = Date.now()): Promise<void> {
    const sent = this.#turn.then(async () => {
      for (const request of requestsOf(records)) await this.#sendUntilAcknowledged(request, since);
    });
    this.#turn = sent.catch(() => undefined);
    return sent;
  }

  /** Waits for what is being sent, then disconnects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#discard();
  }

  async #sendUntilAcknowledged(records: readonly OutgoingRecord[], since: number): Promise<void> {
    const deadline = since + this.#options.deliveryTimeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#sendOnce(records);
        return;
      } catch (cause) {
        const error = kafkaError(`could not send ${records.length} record(s): ${messageOf(cause)}`, cause);
        const waitMs = Math.min(100 * 2 ** (attempt - 1), this.#options.retryWaitMsMax ?? 2_000);
        if (this.#closed || !error.retriable || Date.now() + waitMs >= deadline) {
          await this.#discard();
          throw error;
        }
        this.#options.log.warn({ err: cause, attempt, waitMs, records: records.length }, 'send failed, trying again');
        await sleep(waitMs);
      }
    }
  }

  async #sendOnce(records: readonly OutgoingRecord[]): Promise<void> {
    const producer = await this.#connected();
    const topicMessages = await this.#place(records);
    const answers = await producer.sendBatch({
      topicMessages,
      acks: -1,
      timeout: 15_000,
      compression: kafkajs.CompressionTypes.None,
    });
    const acknowledged = new Set(answers.filter((a) => a.errorCode === 0).map((a) => `${a.topicName}/${a.partition}`));
    for (const { topic, messages } of topicMessages) {
      for (const { partition } of messages) {
        if (acknowledged.has(`${topic}/${partition}`)) continue;
        throw new TallyError(`no acknowledgement for ${topic}/${partition}`, {
          code: 'KAFKA_NOT_ACKNOWLEDGED',
          retriable: true,
        });
      }
    }
  }

  async #place(records: readonly OutgoingRecord[]): Promise<ByTopic[]> {
    const byTopic = new Map<string, ByTopic>();
    for (const { topic, key, value, headers, partition } of records) {
      let group = byTopic.get(topic);
      if (!group) {
        group = { topic, messages: [] };
        byTopic.set(topic, group);
      }
      const count = this.#partitions.get(topic) ?? (await this.#countPartitions(topic));
      const place = partition ?? (key ? partitionOf(key, count) : Math.floor(Math.random() * count));
      group.messages.push({ key, value, partition: place, ...(headers ? { headers } : {}) });
    }
    return [...byTopic.values()];
  }

  async #countPartitions(topic: string): Promise<number> {
    const admin = this.#options.kafka.admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics[0]?.partitions.length ?? 0;
      if (count === 0) throw new TallyError(`no topic ${topic}`, { code: 'TOPIC_MISSING', retriable: true });
      this.#partitions.set(topic, count);
      return count;
    } finally {
      await admin.disconnect();
    }
  }

  async #connected(): Promise<Producer> {
    if (this.#producer) return this.#producer;
    const producer = this.#options.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // The least that kafkajs allows. Its retry repeats the same records under the same numbers, as ours does; where it
      // forgets a partition whose leader has moved, the missing acknowledgement shows.
      retry: { retries: 1 },
    });
    await producer.connect();
    this.#producer = producer;
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    this.#partitions.clear();
    await producer?.disconnect().catch((err: unknown) => this.#options.log.warn({ err }, 'disconnect failed'));
  }
}

/** Cuts records into requests, in their order. A record that is too large by itself goes alone, and Kafka says so. */
function requestsOf(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const requests: OutgoingRecord[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const size = sizeOf(record);
    if (bytes + size > REQUEST_BYTES_MAX) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)?.push(record);
    bytes += size;
  }
  return requests;
}

function sizeOf({ key, value, headers = {} }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of Object.entries(headers)) {
    for (const one of [content].flat())
      bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + Buffer.byteLength(one);
  }
  return bytes;
}
