/**
 * Reads topics as a member of a consumer group. Reading goes on as soon as a batch is taken in; what is committed is up to
 * the caller, and the group is kept alive however long that takes.
 */
import type { Batch, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { kafkaError } from './client.ts';
import { Commits, type Handled } from './commits.ts';

export interface IncomingRecord {
  /** Below 2^40, as a position has it. */
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** The broker's timestamp, milliseconds UTC. */
  timestamp: number;
  /** As the client library gives them: hardly any are ever looked at. A name that stands twice has a list. */
  headers?: Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>> | undefined;
}

type HeaderValue = Buffer | string;

/** Consecutive records of one partition. */
export interface IncomingBatch {
  topic: string;
  partition: number;
  /** Where the fetch began; records before it were handled earlier. */
  fetchedFrom: number;
  records: IncomingRecord[];
  /** The last offset that the batch covers; past the last record when control records follow it. */
  lastOffset: number;
  /** The end of the partition when the batch was fetched. */
  end: number;
}

export interface GroupConsumerOptions {
  kafka: Kafka;
  log: Logger;
  groupId: string;
  topics: string[];
  /** Without a heartbeat for this long, the group gives the partitions to others, milliseconds. */
  sessionTimeoutMs: number;
  heartbeatIntervalMs: number;
  /** Partitions handled at the same time. */
  concurrency: number;
  fetchBytesMaxPerPartition: number;
  fetchBytesMin: number;
  fetchWaitMsMax: number;
  /** Takes a batch in; when it resolves, the partition is read on. When it rejects, the batch comes again. */
  take?: (batch: IncomingBatch) => Promise<void>;
  /**
   * The same without waiting, which would hold up every other partition of the same fetch: takes a batch in at once, and
   * returns what the partition alone is to wait for before it is read on. When it throws, the batch comes again.
   */
  offer?: (batch: IncomingBatch) => Promise<void> | undefined;
  /** What the group has committed of a topic, by partition. */
  committed: (topic: string) => Promise<ReadonlyMap<number, bigint>>;
  /** Told when partitions were (re)assigned, before their first batch. */
  onAssigned: (assignment: Record<string, number[]>) => void;
  /** Told of an error after which this consumer, once started, does not go on. */
  onFatal: (error: TallyError) => void;
}

export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #consumer: Consumer;
  readonly #offsets: Commits;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    this.#offsets = new Commits({
      log: options.log,
      retryMs: options.heartbeatIntervalMs,
      committed: options.committed,
      send: (offsets) => this.#consumer.commitOffsets(offsets),
    });
    this.#consumer = options.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: Math.max(options.sessionTimeoutMs, 30_000),
      heartbeatInterval: options.heartbeatIntervalMs,
      maxBytesPerPartition: options.fetchBytesMaxPerPartition,
      minBytes: options.fetchBytesMin,
      maxWaitTimeInMs: options.fetchWaitMsMax,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: { retries: 10, initialRetryTime: 200, maxRetryTime: 5_000, restartOnFailure: async () => true },
    });
  }

  /**
   * Joins the group. Throws a TallyError `KAFKA_UNAVAILABLE`, retriable when another GroupConsumer may succeed where this
   * one did not: a broker that is not there yet, a group whose coordinator is just starting.
   */
  async start(): Promise<void> {
    const { topics, concurrency, onAssigned, onFatal, log, groupId } = this.#options;
    let started = false;
    let crash: { error: unknown } | undefined;
    this.#consumer.on('consumer.group_join', ({ payload }) => {
      log.info({ assignment: payload.memberAssignment, leader: payload.isLeader }, 'joined the group');
      this.#offsets.assigned(payload.memberAssignment);
      onAssigned(payload.memberAssignment);
    });
    this.#consumer.on('consumer.crash', ({ payload }) => {
      if (payload.restart) log.warn({ err: payload.error }, 'the group consumer starts again');
      else if (started) onFatal(kafkaError(`left group ${groupId}: ${messageOf(payload.error)}`, payload.error));
      else crash = { error: payload.error };
    });
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics, fromBeginning: true });
      // A join that fails for good is told as a crash, and this resolves all the same.
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: concurrency,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
      started = true;
    } catch (error) {
      crash = { error };
    }
    if (crash === undefined) return;
    await this.#consumer.disconnect().catch(() => undefined);
    throw kafkaError(`could not join group ${groupId}: ${messageOf(crash.error)}`, crash.error);
  }

  /** Commits what is handled (commits.ts). Never throws. */
  async commit(handled: readonly Handled[]): Promise<void> {
    await this.#offsets.commit(handled);
  }

  /** Reads nothing more; what was read may still be committed. */
  pause(): void {
    this.#consumer.pause(this.#options.topics.map((topic) => ({ topic })));
  }

  /** Leaves the group. */
  async stop(): Promise<void> {
    this.#offsets.close();
    await this.#consumer.disconnect();
  }

  async #eachBatch({ batch, heartbeat, resolveOffset, pause }: EachBatchPayload): Promise<void> {
    const last = batch.messages.at(-1);
    if (!last) return;
    const { take, offer } = this.#options;
    const wait = offer?.(incoming(batch));
    if (wait) {
      const resume = pause();
      wait.then(resume, resume);
    }
    if (take) await this.#whileBeating(heartbeat, () => take(incoming(batch)));
    resolveOffset(last.offset);
  }

  /** Runs `work` with heartbeats in between; a failed heartbeat throws. */
  async #whileBeating(heartbeat: () => Promise<void>, work: () => Promise<void>): Promise<void> {
    const { promise: lost, reject } = Promise.withResolvers<never>();
    lost.catch(() => undefined);
    const timer = setInterval(() => void heartbeat().catch(reject), this.#options.heartbeatIntervalMs);
    try {
      await Promise.race([work(), lost]);
    } finally {
      clearInterval(timer);
    }
  }
}

function incoming(batch: Batch): IncomingBatch {
  const { fetchedOffset } = batch as Batch & { fetchedOffset?: string };
  if (fetchedOffset === undefined) {
    throw new TallyError('this kafkajs does not say where a fetch began', { code: 'BUG', retriable: false });
  }
  return {
    topic: batch.topic,
    partition: batch.partition,
    fetchedFrom: Number(fetchedOffset),
    records: batch.messages.map(({ offset, key, value, timestamp, headers }) => ({
      offset: Number(offset),
      key,
      value,
      timestamp: Number(timestamp),
      headers,
    })),
    lastOffset: Number(batch.lastOffset()),
    end: Number(batch.highWatermark),
  };
}
