/**
 * Reads topics as a member of a consumer group. Offsets are committed only when the handler says so, and the group is
 * kept alive for as long as a handler works, however long that is.
 */
import type { Batch, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { kafkaError } from './client.ts';

export interface IncomingRecord {
  offset: bigint;
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
  fetchedFrom: bigint;
  records: IncomingRecord[];
  /** The last offset that the batch covers; past the last record when control records follow it. */
  lastOffset: bigint;
  /** The end of the partition when the batch was fetched. */
  end: bigint;
  /** Aborted when the group no longer waits for this batch: rebalance, lost session, stop. */
  signal: AbortSignal;
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
  /**
   * Handles a batch; when it resolves, the batch's offsets are committed. When it rejects, the batch comes again.
   */
  handle: (batch: IncomingBatch) => Promise<void>;
  /** Told when partitions were (re)assigned, before their first batch. */
  onAssigned: (assignment: Record<string, number[]>) => void;
  /** Told of an error after which this consumer, once started, does not go on. */
  onFatal: (error: TallyError) => void;
  /** For tests: awaited between handling and commit, and after the commit. */
  checkpoint?: ((place: 'before-commit' | 'committed') => Promise<void>) | undefined;
}

export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #consumer: Consumer;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
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

  /** Leaves the group after the batches in hand; they are committed. */
  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }

  async #eachBatch({ batch, heartbeat, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const last = batch.messages.at(-1);
    if (!last) return;
    const lastOffset = BigInt(batch.lastOffset());
    await this.#whileBeating(heartbeat, (signal) => this.#options.handle(incoming(batch, lastOffset, signal)));
    resolveOffset(last.offset);
    await this.#options.checkpoint?.('before-commit');
    await commitOffsetsIfNecessary({
      topics: [
        { topic: batch.topic, partitions: [{ partition: batch.partition, offset: (lastOffset + 1n).toString() }] },
      ],
    });
    await this.#options.checkpoint?.('committed');
  }

  /** Runs `work` with heartbeats in between; a failed heartbeat calls the work off and throws. */
  async #whileBeating(heartbeat: () => Promise<void>, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const aborter = new AbortController();
    const lost = new Promise<never>((_, reject) => {
      aborter.signal.addEventListener('abort', () => reject(aborter.signal.reason), { once: true });
    });
    lost.catch(() => undefined);
    const timer = setInterval(() => {
      heartbeat().catch((error: unknown) => aborter.abort(error));
    }, this.#options.heartbeatIntervalMs);
    try {
      await Promise.race([work(aborter.signal), lost]);
    } finally {
      clearInterval(timer);
    }
  }
}

function incoming(batch: Batch, lastOffset: bigint, signal: AbortSignal): IncomingBatch {
  const { fetchedOffset } = batch as Batch & { fetchedOffset?: string };
  if (fetchedOffset === undefined) {
    throw new TallyError('this kafkajs does not say where a fetch began', { code: 'BUG', retriable: false });
  }
  return {
    topic: batch.topic,
    partition: batch.partition,
    fetchedFrom: BigInt(fetchedOffset),
    records: batch.messages.map(({ offset, key, value, timestamp, headers }) => ({
      offset: BigInt(offset),
      key,
      value,
      timestamp: Number(timestamp),
      headers,
    })),
    lastOffset,
    end: BigInt(batch.highWatermark),
    signal,
  };
}
