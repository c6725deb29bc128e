/**
 * The logs that are metered, and whether they are still the ones that were. A topic that was recreated, records that
 * expired before they were read, offsets moved by hand: each would make figures silently wrong, so the consumer refuses
 * to start and says what happened and what to do.
 */
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { KafkaAdmin, PartitionExtent } from '@tally/platform/kafka';
import { METERED_TOPIC_SETTINGS, RETENTION_MS_MIN } from '@tally/schemas';
import { partsOf } from './position.ts';

/** A topic with the epoch under which its positions are known. */
export interface MeteredLog {
  topic: string;
  /** 1 to 255. */
  epoch: number;
  clusterId: string;
  /** Number of partitions when the epoch was opened; positions and keys depend on it. */
  partitions: number;
  /** Each partition's first offset when the epoch was opened. */
  starts: bigint[];
  /** When, by whom and why the epoch was opened. */
  openedAt: string;
  openedBy: string;
  because: string;
}

const EPOCH_MAX = 255;

/** The command that resolves most of what can happen to a log. */
/** What resolves a refusal, for a person to copy. */
const openEpochOf = (topic: string): string =>
  `\`tally log open --topic ${topic} --because REASON\` goes on with it as a new log`;

/** Opens an epoch for every topic that has none, in the order given. Done once, by `tally migrate`. */
export async function openLogs(clickhouse: ClickHouse, admin: KafkaAdmin, topics: readonly string[]): Promise<void> {
  for (const topic of topics) {
    const logs = await readLogs(clickhouse);
    if (logs.some((log) => log.topic === topic)) continue;
    const starts = (await admin.extents(topic)).map(({ start }) => start);
    await openEpoch(clickhouse, admin, { topic, starts, by: 'tally migrate', because: 'first use' });
  }
}

/** Opens a topic's next epoch, which begins at `starts`. Positions before it keep their outcomes under their own epoch. */
export async function openEpoch(
  clickhouse: ClickHouse,
  admin: KafkaAdmin,
  opening: { topic: string; starts: readonly bigint[]; by: string; because: string },
): Promise<MeteredLog> {
  const { topic, starts, by, because } = opening;
  const epoch = Math.max(0, ...(await readLogs(clickhouse)).map((log) => log.epoch)) + 1;
  if (epoch > EPOCH_MAX) throw refusal('EPOCHS_USED_UP', `there have been ${EPOCH_MAX} logs already`);
  checkPartitions(clickhouse, [{ topic, partitions: starts.length }]);
  const clusterId = await admin.clusterId();
  const openedAt = dateTime64(Date.now());
  await clickhouse.insert('logs', [
    {
      epoch,
      topic,
      cluster_id: clusterId,
      starts: starts.map(String),
      opened_at: openedAt,
      opened_by: by,
      because,
    },
  ]);
  const partitions = starts.length;
  return { topic, epoch, clusterId, partitions, starts: [...starts], openedAt, openedBy: by, because };
}

/**
 * Throws `PARTITIONS_AND_SHARDS` unless each log has a multiple of as many partitions as there are shards. Then a key stays
 * on its shard however many partitions there will be, and what it was known by in one epoch is found in the next.
 */
export function checkPartitions(
  { shards }: ClickHouse,
  logs: readonly Pick<MeteredLog, 'topic' | 'partitions'>[],
): void {
  for (const { topic, partitions } of logs) {
    if (partitions % shards.length === 0) continue;
    throw refusal(
      'PARTITIONS_AND_SHARDS',
      `${topic} has ${partitions} partition(s), which is no multiple of ${shards.length} shards: an entity would have rows on several`,
    );
  }
}

/** All epochs ever opened, oldest first. */
export async function readLogs(clickhouse: ClickHouse): Promise<MeteredLog[]> {
  const rows = await clickhouse.query<LogRow>(
    'SELECT epoch, topic, cluster_id, starts, opened_at, opened_by, because FROM logs ORDER BY epoch LIMIT 1 BY epoch',
  );
  return rows.map(({ epoch, topic, cluster_id, starts, opened_at, opened_by, because }) => ({
    epoch,
    topic,
    clusterId: cluster_id,
    partitions: starts.length,
    starts: starts.map(BigInt),
    openedAt: opened_at,
    openedBy: opened_by,
    because,
  }));
}

interface LogRow {
  epoch: number;
  topic: string;
  cluster_id: string;
  starts: string[];
  opened_at: string;
  opened_by: string;
  because: string;
}

/** The newest epoch of a topic. Throws `LOG_NOT_OPEN` when there is none. */
export async function currentLog(clickhouse: ClickHouse, topic: string): Promise<MeteredLog> {
  const log = (await readLogs(clickhouse)).findLast((candidate) => candidate.topic === topic);
  if (log) return log;
  throw refusal('LOG_NOT_OPEN', `topic ${topic} is not metered yet: run \`tally migrate\``);
}

/**
 * Refuses a log on which counting would go wrong. Reads in the order committed, recorded, extents, so that consumers at
 * work meanwhile cannot make it look wrong.
 */
export async function checkLog(
  log: MeteredLog,
  group: { groupId: string; clickhouse: ClickHouse; admin: KafkaAdmin },
): Promise<void> {
  checkSettings(log.topic, await group.admin.topicSettings(log.topic));
  await checkExtents(log, group);
}

/** The same without the topic's settings: whether it is the log that was counted, whole, up to where it was counted. */
export async function checkExtents(
  log: MeteredLog,
  { clickhouse, admin, groupId }: { groupId: string; clickhouse: ClickHouse; admin: KafkaAdmin },
): Promise<void> {
  const clusterId = await admin.clusterId();
  if (clusterId !== log.clusterId) {
    throw refusal(
      'LOG_OTHER_CLUSTER',
      `${log.topic} was metered on cluster ${log.clusterId}, this is cluster ${clusterId}: its positions would be others. ${openEpochOf(log.topic)}`,
    );
  }
  const committed = await admin.committed(groupId, log.topic);
  const recorded = await recordedOffsets(clickhouse, log.epoch);
  const extents = await admin.extents(log.topic);
  if (extents.length !== log.partitions) {
    throw refusal(
      'LOG_PARTITIONS_CHANGED',
      `${log.topic} had ${log.partitions} partitions and now has ${extents.length}: entities change partition, and a repetition would not be recognised. ${openEpochOf(log.topic)}; records that lie where the old number put them then go to the dead letters, from where \`tally dead-letters retry --rekey\` takes them`,
    );
  }
  for (const extent of extents) {
    checkPartition(log, extent, committed.get(extent.partition), recorded.get(extent.partition));
  }
}

function checkPartition(
  log: MeteredLog,
  { partition, start, end }: PartitionExtent,
  committed: bigint | undefined,
  recorded: bigint | undefined,
): void {
  const where = `${log.topic}/${partition}`;
  const next = nextToCount(log, partition, recorded);
  if (end < next) {
    throw refusal(
      'LOG_RECREATED',
      `${where} ends at ${end}, but positions up to ${next - 1n} are counted: the topic was recreated or restored from an older state. ${openEpochOf(log.topic)}`,
    );
  }
  if (start > (committed ?? next) && start > next) {
    throw refusal(
      'LOG_EXPIRED',
      `${where} begins at ${start}, but only positions before ${next} are counted: ${start - next} record(s) expired unread. ${openEpochOf(log.topic)}`,
    );
  }
  if (committed !== undefined && committed > next) {
    throw refusal(
      'OFFSETS_SKIPPED',
      `the group would go on at ${committed} of ${where}, but only positions before ${next} are counted: the offsets were moved ahead. \`tally log rewind\` sets them back`,
    );
  }
}

/** The first offset of a partition without an outcome, from the highest one that has one. */
export function nextToCount(log: MeteredLog, partition: number, recorded: bigint | undefined): bigint {
  return recorded === undefined ? (log.starts[partition] ?? 0n) : recorded + 1n;
}

function checkSettings(topic: string, settings: Readonly<Record<string, string>>): void {
  const [fault] = settingFaults(settings);
  if (!fault) return;
  throw refusal('TOPIC_SETTINGS', `${topic} has ${fault.name}=${fault.found}, it must be ${fault.wanted}`);
}

export interface SettingFault {
  name: 'cleanup.policy' | 'message.timestamp.type' | 'retention.ms';
  found: string;
  /** As it must be, in words where more than one value will do. */
  wanted: string;
}

/** Settings of a metered topic under which records would be lost or misdated. */
export function settingFaults(settings: Readonly<Record<string, string>>): SettingFault[] {
  const faults: SettingFault[] = [];
  for (const name of ['cleanup.policy', 'message.timestamp.type'] as const) {
    const wanted = METERED_TOPIC_SETTINGS[name] ?? '';
    const found = settings[name] ?? 'unknown';
    if (found !== wanted) faults.push({ name, found, wanted });
  }
  const found = settings['retention.ms'] ?? 'unknown';
  if (found !== '-1' && !(Number(found) >= RETENTION_MS_MIN)) {
    faults.push({ name: 'retention.ms', found, wanted: `at least ${RETENTION_MS_MIN}` });
  }
  return faults;
}

/** The highest offset with an outcome, per partition; without `control`, the highest one of a record. */
export async function recordedOffsets(
  clickhouse: ClickHouse,
  epoch: number,
  { control = true } = {},
): Promise<Map<number, bigint>> {
  const rows = await clickhouse.query<{ partition: number; last: string }>(
    `SELECT partition, max(log_outcomes.last) AS last
     FROM log_outcomes
     WHERE epoch = {epoch:UInt8} ${control ? '' : "AND outcome != 'control'"}
     GROUP BY partition`,
    { epoch },
  );
  return new Map(rows.map(({ partition, last }) => [partition, partsOf(BigInt(last)).offset]));
}

function refusal(code: string, message: string): TallyError {
  return new TallyError(message, { code, retriable: false });
}
