/**
 * Reads a topic once, from its start to the end it has now: for dead letters and for checks, not for streams.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { KafkaAdmin } from './admin.ts';

export interface StoredRecord {
  partition: number;
  offset: bigint;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
  /** The broker's timestamp, milliseconds UTC. */
  timestamp: number;
}

/** Without anything new for this long, the broker is taken to be away. */
const STALLED_MS_MAX = 120_000;

/** Calls `visit` for every record that is in the topic now; a partition's records in order. */
export async function readTopic(
  { kafka, admin }: { kafka: Kafka; admin: KafkaAdmin },
  topic: string,
  visit: (record: StoredRecord) => void,
): Promise<void> {
  const ends = new Map<number, bigint>();
  for (const { partition, start, end } of await admin.extents(topic)) if (end > start) ends.set(partition, end);
  if (ends.size === 0) return;
  const groupId = `tally-read-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, readUncommitted: false });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    const message = `reading ${topic} made no progress for ${STALLED_MS_MAX} ms`;
    reject(new TallyError(message, { code: 'KAFKA_UNAVAILABLE', retriable: true }));
  }, STALLED_MS_MAX);
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  // Told of every fetch that held something, also of one that held control records alone.
  consumer.on('consumer.end_batch_process', ({ payload: { partition, lastOffset } }) => {
    timer.refresh();
    const end = ends.get(partition);
    if (end !== undefined && BigInt(lastOffset) >= end - 1n) ends.delete(partition);
    if (ends.size === 0) resolve();
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const end = ends.get(batch.partition);
        if (end === undefined) return;
        for (const { offset, key, value, headers, timestamp } of batch.messages) {
          if (BigInt(offset) >= end) break;
          visit({
            partition: batch.partition,
            offset: BigInt(offset),
            key,
            value,
            headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)])),
            timestamp: Number(timestamp),
          });
        }
      },
    });
    await done;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
    await admin.forgetGroup(groupId);
  }
}
