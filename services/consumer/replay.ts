/**
 * Reads the log again, from the beginning of every epoch to what is committed, and writes the same rows: onto live tables,
 * where no set changes, or into an empty database, where the same sets come about. It shares the consumer's steps; only
 * dead letters are not sent again, since they were acknowledged before their positions were committed.
 */
import { randomUUID } from 'node:crypto';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { GroupConsumer, type IncomingBatch, type KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { Registry } from 'prom-client';
import { EventColumns } from './event-columns.ts';
import type { IdentifierHasher } from './identifiers.ts';
import { Ingest } from './ingest.ts';
import { KeyFilters } from './key-filters.ts';
import { checkKeyScheme } from './key-scheme.ts';
import { Lanes } from './lanes.ts';
import { replacedPlace } from './log-identity.ts';
import { checkPartitions, type MeteredLog, readLogs, recordedOffsets } from './logs.ts';
import { createMetrics } from './metrics.ts';
import { positionOf } from './position.ts';
import { type EmptyRow, encodeProfiles, INGEST_PROFILE_COLUMNS } from './rows.ts';
import { SchemaTopic } from './schema-topic.ts';

export interface ReplayOptions {
  kafka: ConstructorParameters<typeof GroupConsumer>[0]['kafka'];
  admin: KafkaAdmin;
  /** Where the log's epochs and outcomes are known. */
  source: ClickHouse;
  /** Where the rows are written; the source itself, or an empty database with the same epochs. */
  target: ClickHouse;
  topics: Topics;
  groupId: string;
  hasher: IdentifierHasher;
  log: Logger;
  /** Told of the records done and of all there are. */
  onProgress?: (done: number, total: number) => void;
}

/** A stretch of one partition: offsets `from` to `until - 1`. */
interface Stretch {
  partition: number;
  from: number;
  until: number;
  /** Records of the stretch that the log no longer has. */
  expired: number;
  /** From `until` to here are control records alone, which no reader is given. */
  controlUntil: number;
}

interface EpochStretches {
  log: MeteredLog;
  stretches: Stretch[];
}

export interface ReplayReport {
  /** Records read and written again. */
  records: number;
  /** Counted records that the log no longer has: they cannot be written again. */
  expired: number;
}

const SESSION_TIMEOUT_MS = 30_000;
const GROUP_RECORDS_MAX = 60_000;
const LANES = 2;
const FILTER_BYTES_MAX = 2 * 1024 ** 3;

/**
 * Replays every epoch, oldest first. Throws `REPLAY_INCOMPLETE` when `complete` is asked for and some records are not in
 * the log any more.
 */
export async function replay(options: ReplayOptions, { complete }: { complete: boolean }): Promise<ReplayReport> {
  await options.target.checkedShards();
  checkPartitions(options.target, await readLogs(options.target));
  await checkKeyScheme(options.target);
  const epochs = await planReplay(options);
  const all = epochs.flatMap(({ stretches }) => stretches);
  const expired = all.reduce((sum, stretch) => sum + stretch.expired, 0);
  if (complete && expired > 0) {
    throw new TallyError(`${expired} counted record(s) are not in the log any more: it cannot give the same figures`, {
      code: 'REPLAY_INCOMPLETE',
      retriable: false,
    });
  }
  const total = all.reduce((sum, { from, until }) => sum + (until - from), 0);
  let records = 0;
  for (const epoch of epochs) {
    await replayEpoch(options, epoch, (more) => {
      records += more;
      options.onProgress?.(records, total);
    });
  }
  return { records, expired };
}

/** What to read for each epoch: up to the next epoch of its topic, or up to what is committed. */
async function planReplay({ kafka, admin, source, topics, groupId }: ReplayOptions): Promise<EpochStretches[]> {
  const logs = await readLogs(source);
  const plan: EpochStretches[] = [];
  for (const [index, log] of logs.entries()) {
    const next = logs.slice(index + 1).find(({ topic }) => topic === log.topic);
    const there = !next || (await isStillThere({ kafka, admin, source, topics }, log));
    const committed = await admin.committed(groupId, log.topic);
    const extents = await admin.extents(log.topic);
    const lastRecord = await recordedOffsets(source, log.epoch, { control: false });
    const stretches = log.starts.map((start, partition): Stretch => {
      const end = (next ? next.starts[partition] : committed.get(partition)) ?? start;
      const afterLastRecord = (lastRecord.get(partition) ?? start - 1n) + 1n;
      const until = afterLastRecord < end ? afterLastRecord : end;
      const oldest = there ? (extents[partition]?.start ?? 0n) : until;
      const from = oldest < start ? start : oldest > until ? until : oldest;
      const expired = Number(from - start);
      return { partition, from: Number(from), until: Number(until), expired, controlUntil: Number(end) };
    });
    plan.push({ log, stretches });
  }
  return plan;
}

/** Whether an epoch that is over is still in the topic: it is not when the topic was recreated. */
async function isStillThere(
  { kafka, admin, source, topics }: Pick<ReplayOptions, 'kafka' | 'admin' | 'source' | 'topics'>,
  log: MeteredLog,
): Promise<boolean> {
  if ((await admin.clusterId()) !== log.clusterId) return false;
  const ends = new Map((await admin.extents(log.topic)).map(({ partition, end }) => [partition, end]));
  const recorded = await recordedOffsets(source, log.epoch);
  if ([...recorded].some(([partition, offset]) => (ends.get(partition) ?? 0n) <= offset)) return false;
  const kind = log.topic === topics.interactions ? 'interactions' : 'profiles';
  return (await replacedPlace({ kafka, admin, clickhouse: source }, log, kind)) === undefined;
}

async function replayEpoch(
  options: ReplayOptions,
  { log: epoch, stretches }: EpochStretches,
  onRecords: (more: number) => void,
): Promise<void> {
  const { kafka, admin, target, topics, hasher, log } = options;
  await writeControlTails(options, epoch, stretches);
  const left = new Map(stretches.filter(({ from, until }) => until > from).map((one) => [one.partition, one]));
  if (left.size === 0) return;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const metrics = createMetrics(new Registry());
  const filters = new KeyFilters({ clickhouse: target, metered: epoch, log, metrics, bytesMax: FILTER_BYTES_MAX });
  const ingest = new Ingest({
    clickhouse: target,
    sender: { send: async () => undefined },
    topics,
    logs: { interactions: epoch, profiles: epoch },
    schemas: new SchemaTopic({ kafka, admin, topic: topics.schemas, log }),
    hasher,
    metrics,
    filters,
    log,
    committed: async (_topic, partition) => BigInt(stretches[partition]?.from ?? 0),
    extent: async (_topic, partition) => ({
      start: BigInt(stretches[partition]?.from ?? 0),
      end: BigInt(stretches[partition]?.until ?? 0),
    }),
    partitionsNow: async () => epoch.partitions,
    commit: async (handled) => {
      for (const { partition, offset } of handled) {
        const stretch = left.get(partition);
        if (stretch && offset >= stretch.until) left.delete(partition);
      }
      if (left.size === 0) resolve();
    },
    stopping: new AbortController().signal,
  });
  const failed = (error: unknown): never => {
    reject(error);
    throw error;
  };
  const lanes = new Lanes({
    lanes: LANES,
    shards: target.shards.length,
    recordsMax: GROUP_RECORDS_MAX,
    waitingRecordsMax: GROUP_RECORDS_MAX,
    open: () => ingest.open(),
    read: (batch, into) => ingest.read(batch, into).catch(failed),
    write: (group) => ingest.write(group).catch(failed),
  });
  const groupId = `tally-replay-${randomUUID()}`;
  await admin.setCommitted(
    groupId,
    epoch.topic,
    new Map(stretches.map(({ partition, from }) => [partition, BigInt(from)])),
  );
  const consumer = new GroupConsumer({
    kafka,
    log,
    groupId,
    topics: [epoch.topic],
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: 1_000,
    concurrency: 16,
    fetchBytesMaxPerPartition: 1024 * 1024,
    fetchBytesMin: 1,
    fetchWaitMsMax: 200,
    committed: async () => new Map(),
    take: async (batch) => {
      const stretch = left.get(batch.partition);
      const part = stretch && within(batch, stretch);
      if (!part) return;
      await lanes.take(part);
      onRecords(part.records.length);
    },
    onAssigned: (assignment) => {
      ingest.reassigned();
      if (epoch.topic === topics.interactions) filters.assigned(assignment[epoch.topic] ?? []);
    },
    onFatal: reject,
  });
  try {
    await consumer.start();
    await done;
  } finally {
    await consumer.stop();
    await filters.close();
    await admin.forgetGroup(groupId);
  }
}

async function writeControlTails(
  { target, topics }: ReplayOptions,
  log: MeteredLog,
  stretches: readonly Stretch[],
): Promise<void> {
  for (const { partition, until, controlUntil } of stretches) {
    const events = new EventColumns();
    const profiles: EmptyRow[] = [];
    for (let offset = until; offset < controlUntil; offset++) {
      if (log.topic === topics.interactions) events.appendEmpty('control', { epoch: log.epoch, partition }, offset);
      else profiles.push({ position: positionOf(log.epoch, partition, BigInt(offset)), outcome: 'control' });
    }
    const shard = target.shardOf(partition);
    if (events.rows > 0) await shard.insertNative('ingest', events.bytes());
    if (profiles.length === 0) continue;
    await shard.insertRowBinary('ingest_profiles', INGEST_PROFILE_COLUMNS, encodeProfiles([], profiles));
  }
}

/** The part of a batch that lies in a stretch, or undefined when none does. */
function within(batch: IncomingBatch, { from, until }: Stretch): IncomingBatch | undefined {
  if (batch.fetchedFrom >= until || batch.lastOffset < from) return undefined;
  return {
    ...batch,
    records: batch.records.filter(({ offset }) => offset < until),
    lastOffset: batch.lastOffset < until ? batch.lastOffset : until - 1,
  };
}
