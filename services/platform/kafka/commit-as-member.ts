/**
 * Commits offsets for a group that nobody is in, as a member of it for a moment. The admin client of kafkajs does the same
 * and takes five seconds a topic: it waits for a fetch, which has nothing to bring.
 */
import type { Kafka } from 'kafkajs';

/** A fetch that is under way holds up the end for so long. */
const FETCH_WAIT_MS_MAX = 50;

/** Throws what kafkajs does. */
export async function commitAsMember(
  kafka: Kafka,
  { groupId, topic, offsets }: { groupId: string; topic: string; offsets: ReadonlyMap<number, bigint> },
): Promise<void> {
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: FETCH_WAIT_MS_MAX });
  let crash: { error: Error } | undefined;
  consumer.on('consumer.crash', ({ payload }) => {
    crash ??= payload;
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const joined = consumer.run({ autoCommit: false, eachBatch: async () => undefined });
    consumer.pause([{ topic }]);
    await joined;
    // A join that fails is told as a crash, and `run` resolves all the same.
    if (crash !== undefined) throw crash.error;
    await consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: offset.toString() })),
    );
  } finally {
    await consumer.disconnect();
  }
}
