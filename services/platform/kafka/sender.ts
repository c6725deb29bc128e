/**
 * Sends records with an idempotent producer and acks=all, one request at a time.
 *
 * Why one at a time, and with retries of our own: kafkajs gives a failed request's sequence numbers back. If it was the
 * answer that got lost, a second request in flight would then be sent under numbers the broker already knows, and the
 * broker would acknowledge it as a repetition without writing it: an acknowledged loss. So the same records are tried
 * again alone, on the same partitions and under the same numbers, until they are acknowledged; and when they are given up,
 * or have to go elsewhere, the producer is thrown away with its numbers.
 *
 * Where a record goes depends on how many partitions there are, and that may change (`tally log widen`). So the number is
 * asked again every few seconds, and a topic that is fenced meanwhile (fence.ts) is waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { KafkaAdmin } from './admin.ts';
import { firstCause, kafkaError } from './client.ts';
import { isFenced } from './fence.ts';
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
  /** Asked when the first connection stands, until it resolves; what it throws, `connect` and `send` throw. */
  check?: () => Promise<void>;
}

/** How long a number of partitions is relied on, milliseconds. A widened topic stays fenced for longer. */
export const PARTITIONS_KEPT_MS = 5_000;

/** What brokers say of sequence numbers that they cannot go on from: another producer begins with new ones. */
const NUMBERS_SPENT: ReadonlySet<string> = new Set([
  'DUPLICATE_SEQUENCE_NUMBER',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'PRODUCER_FENCED',
  'UNKNOWN_PRODUCER_ID',
]);

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

/** Records with the partition of each, and the numbers of partitions that those were chosen by. */
interface Placed {
  counts: ReadonlyMap<string, number>;
  byTopic: ByTopic[];
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #admin: KafkaAdmin;
  /** Numbers of partitions by topic, and when each was asked, milliseconds UTC. */
  readonly #partitions = new Map<string, { count: number; askedAt: number }>();
  #producer: Producer | undefined;
  #checked = false;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#admin = new KafkaAdmin(options.kafka);
  }

  /** Connects ahead of the first send, so that a wrong address shows at start. Throws a TallyError. */
  async connect(): Promise<void> {
    try {
      await this.#connected();
    } catch (cause) {
      throw cause instanceof TallyError ? cause : kafkaError(`could not connect: ${messageOf(cause)}`, cause);
    }
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
    await this.#admin.close();
  }

  async #sendUntilAcknowledged(records: readonly OutgoingRecord[], since: number): Promise<void> {
    const deadline = since + this.#options.deliveryTimeoutMs;
    let placed: Placed | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const counts = await this.#counts(records);
        if (!placed || !sameCounts(placed.counts, counts)) placed = { counts, byTopic: place(records, counts) };
        await this.#sendOnce(placed.byTopic);
        return;
      } catch (cause) {
        const elsewhere = await this.#mustGoElsewhere(cause, placed);
        if (elsewhere) {
          await this.#discard();
          this.#partitions.clear();
          placed = undefined;
        }
        const error = kafkaError(`could not send ${records.length} record(s): ${messageOf(cause)}`, cause);
        const waitMs = Math.min(100 * 2 ** (attempt - 1), this.#options.retryWaitMsMax ?? 2_000);
        if (this.#closed || !(error.retriable || elsewhere) || Date.now() + waitMs >= deadline) {
          await this.#discard();
          throw elsewhere ? new TallyError(error.message, { code: error.code, retriable: true, cause }) : error;
        }
        this.#options.log.warn({ err: cause, attempt, waitMs, records: records.length }, 'send failed, trying again');
        await sleep(waitMs);
      }
    }
  }

  /** Whether the same records can be sent, but not on the same partitions or not under the same numbers. */
  async #mustGoElsewhere(cause: unknown, placed: Placed | undefined): Promise<boolean> {
    const error = firstCause(cause);
    if (!(error instanceof kafkajs.KafkaJSProtocolError)) return false;
    if (NUMBERS_SPENT.has(error.type)) return true;
    if (error.type !== 'MESSAGE_TOO_LARGE' || !placed) return false;
    // No answer to this question leaves what the broker said.
    const fenced = placed.byTopic.map(({ topic }) =>
      this.#admin.topicSettings(topic).then(isFenced, (err: unknown) => {
        this.#options.log.warn({ err, topic }, 'whether the topic is fenced could not be asked');
        return false;
      }),
    );
    return (await Promise.all(fenced)).includes(true);
  }

  /** Numbers of partitions of the records' topics. Where one has changed, the producer that knew the old one is thrown away. */
  async #counts(records: readonly OutgoingRecord[]): Promise<ReadonlyMap<string, number>> {
    const topics = new Set(records.map(({ topic }) => topic));
    const now = Date.now();
    const aged = [...topics].filter((topic) => now - (this.#partitions.get(topic)?.askedAt ?? 0) > PARTITIONS_KEPT_MS);
    if (aged.length > 0) {
      const found = await this.#admin.partitionCounts(aged);
      for (const topic of aged) {
        const count = found.get(topic) ?? 0;
        if (count === 0) throw new TallyError(`no topic ${topic}`, { code: 'TOPIC_MISSING', retriable: true });
        if ((this.#partitions.get(topic)?.count ?? count) !== count) await this.#discard();
        this.#partitions.set(topic, { count, askedAt: now });
      }
    }
    return new Map([...topics].map((topic) => [topic, this.#partitions.get(topic)?.count ?? 0]));
  }

  async #sendOnce(topicMessages: ByTopic[]): Promise<void> {
    const producer = await this.#connected();
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
    try {
      if (!this.#checked) await this.#options.check?.();
    } catch (error) {
      await producer.disconnect();
      throw error;
    }
    this.#checked = true;
    this.#producer = producer;
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.disconnect().catch((err: unknown) => this.#options.log.warn({ err }, 'disconnect failed'));
  }
}

function place(records: readonly OutgoingRecord[], counts: ReadonlyMap<string, number>): ByTopic[] {
  const byTopic = new Map<string, ByTopic>();
  for (const { topic, key, value, headers, partition } of records) {
    const group = byTopic.get(topic) ?? { topic, messages: [] };
    byTopic.set(topic, group);
    const count = counts.get(topic) ?? 1;
    const at = partition ?? (key ? partitionOf(key, count) : Math.floor(Math.random() * count));
    group.messages.push({ key, value, partition: at, ...(headers ? { headers } : {}) });
  }
  return [...byTopic.values()];
}

function sameCounts(some: ReadonlyMap<string, number>, others: ReadonlyMap<string, number>): boolean {
  return [...some].every(([topic, count]) => others.get(topic) === count);
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
