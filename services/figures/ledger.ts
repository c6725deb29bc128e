/**
 * The ledger: every log position from the log's start to the committed offset has exactly one outcome. It is read from
 * bitmaps of positions, so a position that is missing and one that has two outcomes both show, even where the sum is
 * right.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { LogOutcome } from './outcomes.ts';
import type { AsOf } from './snapshots.ts';
import type { Positions } from './tenants.ts';

/** Number of positions per outcome. */
export interface OutcomeCounts {
  counted: number;
  duplicate: number;
  conflicting: number;
  void: number;
  suppressed: number;
  deadLetter: number;
  control: number;
}

export interface LedgerPartition extends OutcomeCounts {
  topic: string;
  /** 1 to 255; a topic has a new one each time its log began anew. */
  epoch: number;
  partition: number;
  /** An earlier epoch: the broker has another log under this name now, so it ends with the last position recorded. */
  closed: boolean;
  /** The first offset that is accounted for. */
  start: number;
  /** Everything before this offset is written; positions from here on are in flight and not in the counts. */
  committed: number;
  /** The offset after the last record in the log. */
  end: number;
  /** Whether each position from start to committed has exactly one outcome, and the log still reaches that far. */
  balanced: boolean;
}

export interface Ledger {
  /** Whether every partition is. */
  balanced: boolean;
  /** Records in the log that are not committed yet. */
  lag: number;
  /** By epoch, then partition. */
  partitions: LedgerPartition[];
  asOf: AsOf;
}

export interface LedgerSources {
  clickhouse: ClickHouse;
  admin: KafkaAdmin;
  /** The consumers' group. */
  groupId: string;
  /** The metered topics. */
  topics: readonly string[];
  clock: () => number;
}

const NAMES: Readonly<Record<LogOutcome, keyof OutcomeCounts>> = {
  counted: 'counted',
  duplicate: 'duplicate',
  conflicting: 'conflicting',
  void: 'void',
  suppressed: 'suppressed',
  'dead-letter': 'deadLetter',
  control: 'control',
};

/**
 * Works the ledger out. The order of reading matters: what is committed before the bitmaps are read is in them, and the
 * log's end, read last, cannot be before what was committed. Throws the KafkaAdmin's and the ClickHouse client's errors.
 */
export async function ledger(sources: LedgerSources): Promise<Ledger> {
  const computedAt = new Date(sources.clock()).toISOString();
  const logs = await epochsOf(sources);
  const positions: Positions = {};
  const partitions: LedgerPartition[] = [];
  for (const log of logs) {
    const extents = log.closed ? await recordedExtents(sources.clickhouse, log) : await committedExtents(sources, log);
    for (const { partition, start, committed } of extents) {
      const { topic, epoch, closed } = log;
      if (!closed) positions[`${topic}/${partition}`] = committed;
      partitions.push({
        topic,
        epoch,
        partition,
        closed,
        start,
        committed,
        end: committed,
        ...none(),
        balanced: false,
      });
    }
  }
  await countOutcomes(sources.clickhouse, partitions);
  await readEnds(sources.admin, partitions);
  return {
    balanced: partitions.every(({ balanced }) => balanced),
    lag: partitions.reduce((sum, { end, committed }) => sum + Math.max(0, end - committed), 0),
    partitions,
    asOf: { computedAt, positions },
  };
}

interface Epoch {
  topic: string;
  epoch: number;
  closed: boolean;
  starts: number[];
}

interface Extent {
  partition: number;
  start: number;
  committed: number;
}

/** Every epoch of the topics, oldest first; the newest of each is the one that the broker has. */
async function epochsOf({ clickhouse, topics }: LedgerSources): Promise<Epoch[]> {
  const rows = await clickhouse.query<{ epoch: number; topic: string; starts: string[] }>(
    `SELECT epoch, topic, starts
     FROM logs
     WHERE has({topics:Array(String)}, topic)
     ORDER BY epoch, opened_at DESC
     LIMIT 1 BY epoch`,
    { topics },
  );
  return rows.map(({ epoch, topic, starts }) => ({
    topic,
    epoch,
    closed: rows.some((later) => later.topic === topic && later.epoch > epoch),
    starts: starts.map(Number),
  }));
}

/** An offset committed under an earlier epoch may lie before this one's start: then nothing is committed yet. */
async function committedExtents({ admin, groupId }: LedgerSources, { topic, starts }: Epoch): Promise<Extent[]> {
  const committed = await admin.committed(groupId, topic);
  const partitions = Math.max(starts.length, ...[...committed.keys()].map((partition) => partition + 1));
  return Array.from({ length: partitions }, (_, partition) => {
    const start = starts[partition] ?? 0;
    return { partition, start, committed: Math.max(start, Number(committed.get(partition) ?? 0)) };
  });
}

async function recordedExtents(clickhouse: ClickHouse, { epoch, starts }: Epoch): Promise<Extent[]> {
  const rows = await clickhouse.query<{ partition: number; next: string }>(
    `SELECT partition, bitAnd(max(log_outcomes.last), 0xFFFFFFFFFF) + 1 AS next
     FROM log_outcomes
     WHERE epoch = {epoch:UInt8}
     GROUP BY partition`,
    { epoch },
  );
  const next = new Map(rows.map((row) => [row.partition, Number(row.next)]));
  return starts.map((start, partition) => ({ partition, start, committed: Math.max(start, next.get(partition) ?? 0) }));
}

/**
 * `all` is the union of the outcomes: smaller than their sum where a position has more than one. A bucket at an edge of
 * the range is looked through position by position, since ClickHouse's `bitmapSubsetInRange` finds nothing in a bitmap
 * of up to 32 numbers above 2^32.
 */
const COUNTS = `
  SELECT epoch, partition, kind, sum(in_bucket) AS positions
  FROM
  (
    WITH
      groupBitmapMergeState(positions) AS bitmap,
      bitShiftLeft(toUInt64(epoch), 56) + bitShiftLeft(toUInt64(partition), 40) + bitShiftLeft(toUInt64(bucket), 20) AS first
    SELECT
      epoch, partition, bucket, kind,
      if(
        first >= range_from AND first + bitShiftLeft(toUInt64(1), 20) <= range_to,
        bitmapCardinality(bitmap),
        arrayCount(position -> position >= range_from AND position < range_to, bitmapToArray(bitmap))
      ) AS in_bucket
    FROM log_outcomes
    ARRAY JOIN [toString(outcome), 'all'] AS kind
    INNER JOIN
    (
      SELECT range.1 AS epoch, range.2 AS partition, range.3 AS range_from, range.4 AS range_to
      FROM
      (
        SELECT arrayJoin(arrayZip(
          {epochs:Array(UInt8)}, {partitions:Array(UInt16)}, {froms:Array(UInt64)}, {tos:Array(UInt64)}
        )) AS range
      )
    ) AS ranges USING (epoch, partition)
    GROUP BY epoch, partition, bucket, kind, range_from, range_to
  )
  GROUP BY epoch, partition, kind`;

async function countOutcomes(clickhouse: ClickHouse, partitions: readonly LedgerPartition[]): Promise<void> {
  const rows = await clickhouse.query<{
    epoch: number;
    partition: number;
    kind: LogOutcome | 'all';
    positions: string;
  }>(COUNTS, {
    epochs: partitions.map(({ epoch }) => epoch),
    partitions: partitions.map(({ partition }) => partition),
    froms: partitions.map((of) => firstPositionOf(of) + BigInt(of.start)),
    tos: partitions.map((of) => firstPositionOf(of) + BigInt(of.committed)),
  });
  for (const of of partitions) {
    const own = rows.filter(({ epoch, partition }) => epoch === of.epoch && partition === of.partition);
    let sum = 0;
    let union = 0;
    for (const { kind, positions } of own) {
      if (kind === 'all') union = Number(positions);
      else sum += of[NAMES[kind]] = Number(positions);
    }
    of.balanced = sum === of.committed - of.start && union === sum;
  }
}

async function readEnds(admin: KafkaAdmin, partitions: readonly LedgerPartition[]): Promise<void> {
  for (const topic of new Set(partitions.map((of) => of.topic))) {
    const extents = await admin.extents(topic);
    for (const of of partitions) {
      if (of.topic !== topic || of.closed) continue;
      of.end = Number(extents.find(({ partition }) => partition === of.partition)?.end ?? 0);
      if (of.end < of.committed) of.balanced = false;
    }
  }
}

/** Of an epoch's partition; see the table `ingest` for how a position is made. */
function firstPositionOf({ epoch, partition }: LedgerPartition): bigint {
  return (BigInt(epoch) << 56n) | (BigInt(partition) << 40n);
}

function none(): OutcomeCounts {
  return { counted: 0, duplicate: 0, conflicting: 0, void: 0, suppressed: 0, deadLetter: 0, control: 0 };
}
