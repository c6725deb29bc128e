/**
 * Reads single records at known places, to see whether they are still what they were.
 */
import type { Kafka } from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { KafkaAdmin } from './admin.ts';
import type { IncomingRecord } from './group-consumer.ts';
import { type RecordPlace, readThrowaway } from './throwaway-reader.ts';

const FETCH_WAIT_MS_MAX = 100;
const STALL_MS_MAX = 30_000;

/**
 * The records at the given places, at most one a partition, by `topic/partition`. A place that holds no record (a control
 * record, say) is absent. Throws TallyError `KAFKA_READ_TIMEOUT` or `KAFKA_UNAVAILABLE`.
 */
export async function readRecordsAt(
  sources: { kafka: Kafka; admin: KafkaAdmin },
  places: readonly RecordPlace[],
): Promise<Map<string, IncomingRecord>> {
  const found = new Map<string, IncomingRecord>();
  const missing = new Map(places.map((place) => [nameOf(place), place.offset]));
  if (missing.size === 0) return found;
  await readThrowaway(sources, {
    topics: [...new Set(places.map(({ topic }) => topic))],
    from: places,
    fetchWaitMsMax: FETCH_WAIT_MS_MAX,
    stallMsMax: STALL_MS_MAX,
    stalled: () => {
      const what = [...missing.keys()].join(', ');
      return new TallyError(`could not read from ${what}`, { code: 'KAFKA_READ_TIMEOUT', retriable: true });
    },
    visit: (of, messages) => {
      const wanted = missing.get(nameOf(of));
      const record = messages.find(({ offset }) => BigInt(offset) === wanted);
      if (!record) return;
      const { offset, key, value, timestamp, headers } = record;
      const content = { key, value, timestamp: Number(timestamp), headers: headers ?? {} };
      found.set(nameOf(of), { offset: Number(offset), ...content });
    },
    isDone: (last) => {
      const wanted = missing.get(nameOf(last));
      if (wanted !== undefined && last.offset >= wanted) missing.delete(nameOf(last));
      return missing.size === 0;
    },
  });
  return found;
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
