/**
 * Writes records that are no longer in Kafka, or are in a file besides, at the positions that they had: as the consumer
 * wrote them, or would have. Writing again what is there changes no set.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { IncomingRecord, KafkaAdmin, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { Registry } from 'prom-client';
import type { IdentifierHasher } from './identifiers.ts';
import { Ingest } from './ingest.ts';
import { checkKeyScheme } from './key-scheme.ts';
import type { MeteredLog } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { SchemaTopic } from './schema-topic.ts';

export interface WriteRecordsOptions {
  /** Where schemas are announced that are not known here. */
  kafka: ConstructorParameters<typeof SchemaTopic>[0]['kafka'];
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  /** Takes what goes to the dead letters. */
  sender: Pick<Sender, 'send'>;
  topics: Topics;
  hasher: IdentifierHasher;
  log: Logger;
  /** The epoch in which the records have their positions. */
  metered: MeteredLog;
  /** By partition: the first offset to write, and the one after the last. What lies between has an outcome afterwards. */
  stretches: readonly { from: number; until: number }[];
  /** Each partition's in the order of their offsets. */
  records: AsyncIterable<IncomingRecord & { partition: number }>;
}

const BATCH_RECORDS_MAX = 5_000;
const GROUP_RECORDS_MAX = 60_000;

/** Resolves with the number of records written. Throws as the consumer's steps do. */
export async function writeRecords(options: WriteRecordsOptions): Promise<number> {
  const { metered, stretches, records } = options;
  await checkKeyScheme(options.clickhouse);
  const ingest = ingestOf(options);
  const groups = new GroupsOfShards(ingest, options.clickhouse);
  const waiting = new Map<number, IncomingRecord[]>();
  const next = stretches.map(({ from }) => from);
  let written = 0;
  const read = async (partition: number, lastOffset: number): Promise<void> => {
    const batch = waiting.get(partition) ?? [];
    waiting.delete(partition);
    const { topic } = metered;
    const [fetchedFrom = 0, end = 0] = [next[partition], stretches[partition]?.until];
    await groups.read({ topic, partition, fetchedFrom, records: batch, lastOffset, end });
    next[partition] = lastOffset + 1;
    written += batch.length;
  };
  for await (const { partition, ...record } of records) {
    const { from = 0, until = 0 } = stretches[partition] ?? {};
    if (record.offset < from || record.offset >= until) continue;
    const batch = waiting.get(partition) ?? [];
    batch.push(record);
    waiting.set(partition, batch);
    if (batch.length >= BATCH_RECORDS_MAX) await read(partition, record.offset);
  }
  // The rest; where a stretch ends with control records, they have no record of their own.
  for (const [partition, { until }] of stretches.entries()) {
    if ((next[partition] ?? until) < until) await read(partition, until - 1);
  }
  await groups.write();
  return written;
}

/** A group is written to one shard, so each shard has one of its own. */
class GroupsOfShards {
  readonly #ingest: Ingest;
  readonly #clickhouse: ClickHouse;
  readonly #groups = new Map<ClickHouse, { group: ReturnType<Ingest['open']>; records: number }>();

  constructor(ingest: Ingest, clickhouse: ClickHouse) {
    this.#ingest = ingest;
    this.#clickhouse = clickhouse;
  }

  async read(batch: Parameters<Ingest['read']>[0]): Promise<void> {
    const shard = this.#clickhouse.shardOf(batch.partition);
    const own = this.#groups.get(shard) ?? { group: this.#ingest.open(), records: 0 };
    this.#groups.set(shard, own);
    await this.#ingest.read(batch, own.group);
    own.records += batch.records.length;
    if (own.records < GROUP_RECORDS_MAX) return;
    this.#groups.delete(shard);
    await this.#ingest.write(own.group);
  }

  /** What is left of each. */
  async write(): Promise<void> {
    for (const { group } of this.#groups.values()) await this.#ingest.write(group);
  }
}

function ingestOf(options: WriteRecordsOptions): Ingest {
  const { kafka, admin, clickhouse, sender, topics, hasher, log, metered, stretches } = options;
  return new Ingest({
    clickhouse,
    sender,
    topics,
    logs: { interactions: metered, profiles: metered },
    hasher,
    schemas: new SchemaTopic({ kafka, admin, topic: topics.schemas, log }),
    metrics: createMetrics(new Registry()),
    log,
    committed: async (_topic, partition) => BigInt(stretches[partition]?.from ?? 0),
    extent: async (_topic, partition) => ({
      start: BigInt(stretches[partition]?.from ?? 0),
      end: BigInt(stretches[partition]?.until ?? 0),
    }),
    partitionsNow: async () => metered.partitions,
    commit: async () => undefined,
    stopping: new AbortController().signal,
  });
}
