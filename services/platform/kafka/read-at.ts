/**
 * Reads single records at known places, to see whether they are still what they were.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { KafkaAdmin } from './admin.ts';
import type { IncomingRecord } from './group-consumer.ts';

export interface RecordPlace {
  topic: string;
  partition: number;
  offset: bigint;
}

const READ_TIMEOUT_MS = 30_000;

/**
 * The records at the given places, at most one a partition, by `topic/partition`. A place that holds no record (a control
 * record, say) is absent. Throws TallyError `KAFKA_READ_TIMEOUT`.
 */
export async function readRecordsAt(
  { kafka, admin }: { kafka: Kafka; admin: KafkaAdmin },
  places: readonly RecordPlace[],
): Promise<Map<string, IncomingRecord>> {
  const found = new Map<string, IncomingRecord>();
  const missing = new Map(places.map((place) => [`${place.topic}/${place.partition}`, place]));
  if (missing.size === 0) return found;
  const groupId = `tally-read-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    const what = [...missing.keys()].join(', ');
    reject(new TallyError(`could not read from ${what}`, { code: 'KAFKA_READ_TIMEOUT', retriable: true }));
  }, READ_TIMEOUT_MS);
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set(places.map(({ topic }) => topic))], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const name = `${batch.topic}/${batch.partition}`;
        const place = missing.get(name);
        if (!place || BigInt(batch.lastOffset()) < place.offset) return;
        const record = batch.messages.find(({ offset }) => BigInt(offset) === place.offset);
        if (record) {
          const { offset, key, value, timestamp, headers } = record;
          found.set(name, { offset: BigInt(offset), key, value, timestamp: Number(timestamp), headers: headers ?? {} });
        }
        missing.delete(name);
        if (missing.size === 0) resolve();
      },
    });
    for (const { topic, partition, offset } of places) consumer.seek({ topic, partition, offset: offset.toString() });
    await done;
    return found;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
    await admin.forgetGroup(groupId);
  }
}
