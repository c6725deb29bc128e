/**
 * Reads a topic once, from its start to the end it has now: for dead letters and for checks, not for streams.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
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

const READ_TIMEOUT_MS = 120_000;

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
  const timer = setTimeout(
    () => reject(new Error(`reading ${topic} took more than ${READ_TIMEOUT_MS} ms`)),
    READ_TIMEOUT_MS,
  );
  consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
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
        if (BigInt(batch.lastOffset()) >= end - 1n) ends.delete(batch.partition);
        if (ends.size === 0) resolve();
      },
    });
    await done;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
    await admin.forgetGroup(groupId);
  }
}
