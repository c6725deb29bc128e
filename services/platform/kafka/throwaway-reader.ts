/**
 * Reads some of a log once, as a consumer group that nobody hears of again.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import { retryForever } from '../retry.ts';
import type { KafkaAdmin } from './admin.ts';
import { kafkaError } from './client.ts';

export interface RecordPlace {
  topic: string;
  partition: number;
  offset: bigint;
}

export interface Reading {
  topics: readonly string[];
  /** Where to begin; a partition that is not named is read from its start. */
  from?: readonly RecordPlace[];
  /** How long the broker may wait for something new before it answers, milliseconds. */
  fetchWaitMsMax: number;
  /** Without anything new for this long the reading ends with `stalled`, milliseconds. */
  stallMsMax: number;
  stalled: () => TallyError;
  /** Records of one partition, in order. */
  visit: (of: { topic: string; partition: number }, messages: readonly KafkaMessage[]) => void;
  /** Told of the last place of every fetch that held something, control records too, after its visit. */
  isDone: (last: RecordPlace) => boolean;
}

const ATTEMPTS_MAX = 6;

/**
 * Reads until `isDone`. A broker that has just started has no groups yet: as long as nothing was visited, it is asked again.
 * Throws what `stalled` gives, or a TallyError `KAFKA_UNAVAILABLE`.
 */
export async function readThrowaway(sources: { kafka: Kafka; admin: KafkaAdmin }, reading: Reading): Promise<void> {
  let visited = false;
  let attempts = 0;
  let stalled: TallyError | undefined;
  const watched: Reading = {
    ...reading,
    visit: (of, messages) => {
      visited = true;
      reading.visit(of, messages);
    },
    stalled: () => {
      stalled = reading.stalled();
      return stalled;
    },
  };
  await retryForever(() => readOnce(sources, watched), {
    waitMsFirst: 100,
    waitMsMax: 2_000,
    isRetriable: (error) =>
      error instanceof TallyError && error.retriable && error !== stalled && !visited && ++attempts < ATTEMPTS_MAX,
  });
}

async function readOnce(
  { kafka, admin }: { kafka: Kafka; admin: KafkaAdmin },
  { topics, from = [], fetchWaitMsMax, stallMsMax, stalled, visit, isDone }: Reading,
): Promise<void> {
  const groupId = `tally-read-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    maxWaitTimeInMs: fetchWaitMsMax,
  });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // It may reject while the consumer still connects.
  done.catch(() => undefined);
  const timer = setTimeout(() => reject(stalled()), stallMsMax);
  let crashed = false;
  consumer.on('consumer.crash', ({ payload }) => {
    // Also where kafkajs would start again by itself: from the beginning, with records that were visited already.
    crashed = true;
    reject(payload.error);
  });
  consumer.on('consumer.end_batch_process', ({ payload: { topic, partition, lastOffset } }) => {
    timer.refresh();
    if (isDone({ topic, partition, offset: BigInt(lastOffset) })) resolve();
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => visit({ topic: batch.topic, partition: batch.partition }, batch.messages),
    });
    // A join that fails is told as a crash, and `run` resolves all the same: then there is nothing to seek in.
    const places = crashed ? [] : from;
    for (const { topic, partition, offset } of places) consumer.seek({ topic, partition, offset: offset.toString() });
    await done;
  } catch (cause) {
    if (cause instanceof TallyError) throw cause;
    throw kafkaError(`could not read ${topics.join(', ')}: ${messageOf(cause)}`, cause);
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
    await admin.forgetGroup(groupId);
  }
}
