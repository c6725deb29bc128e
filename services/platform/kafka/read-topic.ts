/**
 * Reads a topic once, up to the end it has now: for dead letters, statements and checks, not for streams.
 */
import type { Kafka, KafkaMessage } from 'kafkajs';
import { TallyError } from '../errors.ts';
import type { KafkaAdmin } from './admin.ts';
import type { IncomingRecord } from './group-consumer.ts';
import { type RecordPlace, readThrowaway } from './throwaway-reader.ts';

export interface StoredRecord {
  partition: number;
  offset: bigint;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
  /** The same byte for byte; a name that stands twice has a list. */
  rawHeaders: NonNullable<IncomingRecord['headers']>;
  /** The broker's timestamp, milliseconds UTC. */
  timestamp: number;
}

const FETCH_WAIT_MS_MAX = 500;
/** Without anything new for this long, the broker is taken to be away. */
const STALL_MS_MAX = 120_000;

/**
 * Calls `visit` for every record that is in the topic now; a partition's records in order. Throws `KAFKA_UNAVAILABLE`.
 * @param from the first offset to read, by partition; a partition that is not named is read from its start
 */
export async function readTopic(
  { kafka, admin }: { kafka: Kafka; admin: KafkaAdmin },
  topic: string,
  visit: (record: StoredRecord) => void,
  from: ReadonlyMap<number, bigint> = new Map(),
): Promise<void> {
  const ends = new Map<number, bigint>();
  const places: RecordPlace[] = [];
  for (const { partition, start, end } of await admin.extents(topic)) {
    const offset = from.get(partition) ?? start;
    if (end <= offset || end <= start) continue;
    ends.set(partition, end);
    if (offset > start) places.push({ topic, partition, offset });
  }
  if (ends.size === 0) return;
  await readThrowaway(
    { kafka, admin },
    {
      topics: [topic],
      from: places,
      fetchWaitMsMax: FETCH_WAIT_MS_MAX,
      stallMsMax: STALL_MS_MAX,
      stalled: () => {
        const message = `reading ${topic} made no progress for ${STALL_MS_MAX} ms`;
        return new TallyError(message, { code: 'KAFKA_UNAVAILABLE', retriable: true });
      },
      visit: ({ partition }, messages) => {
        const end = ends.get(partition);
        if (end === undefined) return;
        for (const message of messages) {
          const offset = BigInt(message.offset);
          if (offset < (from.get(partition) ?? 0n)) continue;
          if (offset >= end) break;
          visit(stored(partition, offset, message));
        }
      },
      isDone: ({ partition, offset }) => {
        const end = ends.get(partition);
        if (end !== undefined && offset >= end - 1n) ends.delete(partition);
        return ends.size === 0;
      },
    },
  );
}

function stored(partition: number, offset: bigint, { key, value, headers, timestamp }: KafkaMessage): StoredRecord {
  return {
    partition,
    offset,
    key,
    value,
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)])),
    rawHeaders: headers ?? {},
    timestamp: Number(timestamp),
  };
}
