/**
 * Puts the consumer together: logs checked, group joined, batches written and committed.
 */
import { ClickHouse, clickhouseMetrics, clickhouseOptions } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka, GroupConsumer, KafkaAdmin, kafkaServers, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Tracing } from '@tally/platform/tracing';
import { topicNames } from '@tally/schemas';
import { Registry } from 'prom-client';
import { checkLogsAtStart, watchLogs } from './check-logs.ts';
import type { ConsumerConfig } from './config.ts';
import { checkDurability } from './durability.ts';
import { GroupTrace } from './group-trace.ts';
import { IdentifierHasher } from './identifiers.ts';
import { Ingest, type IngestOptions } from './ingest.ts';
import { KeyFilters } from './key-filters.ts';
import { checkKeyScheme } from './key-scheme.ts';
import { Lanes } from './lanes.ts';
import { checkPartitions, currentLog, readLogs } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { checkRestored } from './restoring.ts';
import { SchemaTopic } from './schema-topic.ts';
import { Standing } from './standing.ts';

export interface ConsumerOptions {
  config: ConsumerConfig;
  log: Logger;
  /** Told of an error after which the consumer must not go on; the process should end. */
  onFatal: (error: unknown) => void;
  checkpoint?: IngestOptions['checkpoint'];
  tracing?: Tracing | undefined;
}

export interface RunningConsumer {
  registry: Registry;
  /** How often the group has assigned partitions: 0 until it is joined, one more after each rebalance. */
  assignments: () => number;
  /** Finishes and commits what is in hand, leaves the group, disconnects. */
  stop: () => Promise<void>;
}

/** How long a stop waits for what is in hand before it calls off retries, milliseconds. */
const STOP_GRACE_MS = 5_000;
/** Records on a wrong partition make the number of partitions be asked again, at most this often, milliseconds. */
const PARTITIONS_KEPT_MS = 1_000;

/**
 * Starts consuming. Throws a TallyError: not retriable when a log is not what it was, retriable when Kafka or ClickHouse
 * is not there (yet). After a failure nothing is left open, so it may be called again.
 */
export async function startConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const servers = connect(options);
  try {
    return await startOn(servers, options);
  } catch (error) {
    await servers.close().catch(() => undefined);
    throw error;
  }
}

interface Servers {
  kafka: ReturnType<typeof createKafka>;
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  sender: Sender;
  registry: Registry;
  close: () => Promise<void>;
}

function connect({ config, log }: ConsumerOptions): Servers {
  const kafka = createKafka({ ...kafkaServers(config), clientId: 'tally-consumer', log });
  const admin = new KafkaAdmin(kafka);
  const registry = new Registry();
  const sender = new Sender({ kafka, log, deliveryTimeoutMs: Number.POSITIVE_INFINITY });
  const clickhouse = new ClickHouse({ ...clickhouseOptions(config), metrics: clickhouseMetrics(registry) });
  const close = async (): Promise<void> => {
    await sender.close();
    await admin.close();
    await clickhouse.close();
  };
  return { kafka, admin, clickhouse, sender, registry, close };
}

async function startOn(
  { kafka, admin, clickhouse, sender, registry, close }: Servers,
  { config, log, onFatal, checkpoint, tracing }: ConsumerOptions,
): Promise<RunningConsumer> {
  const topics = topicNames(config.TALLY_TOPIC_PREFIX);
  const groupId = `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`;
  await checkRestored(clickhouse);
  await clickhouse.checkedShards();
  const logs = {
    interactions: await currentLog(clickhouse, topics.interactions),
    profiles: await currentLog(clickhouse, topics.profiles),
  };
  checkPartitions(clickhouse, await readLogs(clickhouse));
  await checkDurability(clickhouse);
  await checkKeyScheme(clickhouse);
  const checks = { logs, kafka, admin, clickhouse, groupId };
  await checkLogsAtStart({ ...checks, topics, log, factorMin: config.TALLY_REPLICATION_FACTOR_MIN });

  const stopping = new AbortController();
  const metrics = createMetrics(registry);
  const standing = new Standing({ metrics, admin, groupId, log, clock: Date.now });
  const filters = new KeyFilters({
    clickhouse,
    metered: logs.interactions,
    log,
    metrics,
    bytesMax: config.TALLY_FILTER_BYTES_MAX,
  });
  const ingest = new Ingest({
    clickhouse,
    sender,
    topics,
    logs,
    hasher: new IdentifierHasher(config.TALLY_IDENTIFIER_SECRET),
    metrics,
    filters,
    log,
    committed: async (topic, partition) => {
      const metered = topic === topics.interactions ? logs.interactions : logs.profiles;
      return (await admin.committed(groupId, topic)).get(partition) ?? metered.starts[partition] ?? 0n;
    },
    schemas: new SchemaTopic({ kafka, admin, topic: topics.schemas, log }),
    extent: async (topic, partition) =>
      (await admin.extents(topic)).find((extent) => extent.partition === partition) ?? { start: 0n, end: 0n },
    partitionsNow: keptFor(PARTITIONS_KEPT_MS, async (topic) => (await admin.extents(topic)).length),
    commit: (handled) => consumer.commit(handled),
    stopping: stopping.signal,
    ...(checkpoint ? { checkpoint } : {}),
    ...(tracing ? { trace: () => new GroupTrace({ tracing, groupId }) } : {}),
  });
  const lanes = new Lanes({
    lanes: config.TALLY_LANES,
    shards: clickhouse.shards.length,
    recordsMax: config.TALLY_GROUP_RECORDS_MAX,
    waitingRecordsMax: config.TALLY_GROUP_RECORDS_MAX,
    open: () => ingest.open(),
    read: (batch, into) => ingest.read(batch, into).catch((error: unknown) => endIfFinal(error, onFatal)),
    write: (group) => ingest.write(group).catch((error: unknown) => endIfFinal(error, onFatal)),
  });
  let assignments = 0;
  const consumer = new GroupConsumer({
    kafka,
    log,
    groupId,
    topics: [topics.interactions, topics.profiles],
    sessionTimeoutMs: config.TALLY_SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: config.TALLY_HEARTBEAT_INTERVAL_MS,
    concurrency: config.TALLY_PARTITIONS_CONCURRENT,
    fetchBytesMaxPerPartition: config.TALLY_FETCH_BYTES_PER_PARTITION_MAX,
    fetchBytesMin: config.TALLY_FETCH_BYTES_MIN,
    fetchWaitMsMax: config.TALLY_FETCH_WAIT_MS_MAX,
    // Waiting would hold up the partitions of other shards too.
    ...(clickhouse.isCluster ? { offer: (batch) => lanes.offer(batch) } : { take: (batch) => lanes.take(batch) }),
    committed: (topic) => admin.committed(groupId, topic),
    onCommitted: (taken) => standing.committed(taken),
    onAssigned: (assignment) => {
      assignments++;
      standing.assigned(assignment);
      ingest.reassigned();
      filters.assigned(assignment[topics.interactions] ?? []);
    },
    onFatal,
  });
  await consumer.start();
  const stopWatching = watchLogs({
    ...checks,
    intervalMs: config.TALLY_LOG_CHECK_INTERVAL_MS,
    log,
    onRefused: onFatal,
  });
  standing.watch(config.TALLY_LOG_CHECK_INTERVAL_MS);

  return {
    registry,
    assignments: () => assignments,
    stop: async () => {
      stopWatching();
      standing.close();
      setTimeout(() => stopping.abort(stopped), STOP_GRACE_MS).unref();
      consumer.pause();
      await lanes.idle();
      await consumer.stop();
      await filters.close();
      await close();
    },
  };
}

/** Asks at most once in `ms` for each topic. */
function keptFor(ms: number, ask: (topic: string) => Promise<number>): (topic: string) => Promise<number> {
  const kept = new Map<string, { at: number; answer: Promise<number> }>();
  return (topic) => {
    const last = kept.get(topic);
    if (last && Date.now() - last.at < ms) return last.answer;
    const answer = ask(topic);
    kept.set(topic, { at: Date.now(), answer });
    return answer;
  };
}

/** What calls off the waits between retries; the batch in hand is not committed, so it comes again. */
const stopped = new TallyError('the consumer stops', { code: 'STOPPING', retriable: true });

/** An error that trying again cannot mend ends the process; the batch is not committed, so it comes again. */
function endIfFinal(error: unknown, onFatal: (error: unknown) => void): never {
  if (!(error instanceof TallyError && error.retriable)) onFatal(error);
  throw error;
}
