/**
 * What a person decides about a log that is not what it was: go on with it as a new one, or set the offsets back.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { KafkaAdmin } from '@tally/platform/kafka';
import { currentLog, type MeteredLog, nextToCount, openEpoch, recordedOffsets } from './logs.ts';

export interface LogDecision {
  clickhouse: ClickHouse;
  admin: KafkaAdmin;
  groupId: string;
  topic: string;
}

/** What opening an epoch leaves behind in one partition of the old one. */
export interface LeftBehind {
  partition: number;
  /** The first offset of the old epoch without an outcome. */
  next: bigint;
  /** Where the new epoch begins. */
  start: bigint;
  /** Records that expired unread, where the new epoch goes on in the same log; they are in no figure. */
  expired: bigint;
}

export interface OpenedEpoch {
  log: MeteredLog;
  partitions: LeftBehind[];
  /**
   * Outcomes are recorded past what is committed, so the old epoch's last insert may have been cut off. Nobody will
   * write it again but a replay.
   */
  cutOff: boolean;
}

/**
 * Opens a topic's next epoch. Where the log goes on past what is counted, the epoch begins there; where it is another
 * one, at its start. Events keep their identity over epochs: what was counted before is a duplicate in the new one.
 * Throws `GROUP_ACTIVE` while a consumer is at work.
 * @param afresh count from the log's start in any case: the topic was recreated and has grown past the old offsets
 */
export async function openLog(
  { clickhouse, admin, groupId, topic }: LogDecision,
  decision: { by: string; because: string; afresh: boolean },
): Promise<OpenedEpoch> {
  const old = await currentLog(clickhouse, topic);
  const recorded = await recordedOffsets(clickhouse, old.epoch);
  const committed = await admin.committed(groupId, topic);
  const sameCluster = (await admin.clusterId()) === old.clusterId;
  const partitions = (await admin.extents(topic)).map(({ partition, start, end }): LeftBehind => {
    const next = nextToCount(old, partition, recorded.get(partition));
    const goesOn = sameCluster && !decision.afresh && partition < old.partitions && next <= end;
    const from = goesOn && next > start ? next : start;
    return { partition, next, start: from, expired: goesOn && start > next ? start - next : 0n };
  });
  const cutOff = partitions.some(
    ({ partition, next, start }) => start === next && (committed.get(partition) ?? 0n) < next,
  );
  const starts = partitions.map(({ start }) => start);
  // Offsets first: if the epoch were opened and this refused, a consumer could start it anywhere.
  await admin.setCommitted(groupId, topic, new Map(partitions.map(({ partition, start }) => [partition, start])));
  const { by, because } = decision;
  return { log: await openEpoch(clickhouse, admin, { topic, starts, by, because }), partitions, cutOff };
}

/**
 * The largest insert there can be (`TALLY_GROUP_RECORDS_MAX`). One that was cut off may have left outcomes without their
 * rows, and nothing says any more where it began: so much is written again, which changes no set.
 */
const WRITTEN_AGAIN_OFFSETS = 1_000_000n;

/**
 * Sets the group back to where every record before it is whole in the tables, in every partition, and never ahead.
 * Returns where it goes on. Throws `GROUP_ACTIVE` while a consumer is at work.
 */
export async function rewindLog({ clickhouse, admin, groupId, topic }: LogDecision): Promise<Map<number, bigint>> {
  const log = await currentLog(clickhouse, topic);
  const recorded = await recordedOffsets(clickhouse, log.epoch);
  const committed = await admin.committed(groupId, topic);
  const oldest = new Map((await admin.extents(topic)).map(({ partition, start }) => [partition, start]));
  const offsets = new Map(
    log.starts.map((begin, partition) => {
      const whole = nextToCount(log, partition, recorded.get(partition)) - WRITTEN_AGAIN_OFFSETS;
      return [partition, later(later(earlier(whole, committed.get(partition)), begin), oldest.get(partition))];
    }),
  );
  await admin.setCommitted(groupId, topic, offsets);
  return offsets;
}

function earlier(offset: bigint, other: bigint | undefined): bigint {
  return other !== undefined && other < offset ? other : offset;
}

function later(offset: bigint, other: bigint | undefined): bigint {
  return other !== undefined && other > offset ? other : offset;
}
