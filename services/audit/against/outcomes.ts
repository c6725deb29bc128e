/**
 * What became of each position according to Kafka's records, beside what is recorded.
 */
import type { LedgerPartition, LogOutcome } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type Comparison, DIFFERENCES_LISTED_MAX } from '../findings.ts';
import { type OffsetOutcomes, OUTCOMES } from '../recount/outcomes.ts';

/** One partition of the newest epoch, recounted. */
export interface RecountedPartition {
  of: LedgerPartition;
  outcomes: OffsetOutcomes;
  /** Records before these are gone from Kafka, or are an earlier epoch's: what comes first now may have come before. */
  hasEarlier: boolean;
}

/**
 * What may be recorded, beside the recounted outcome itself, of a record whose first occurrence or void may lie before
 * what Kafka still has.
 */
const WITH_EARLIER: Readonly<Record<LogOutcome, readonly LogOutcome[]>> = {
  counted: ['duplicate', 'conflicting', 'suppressed'],
  duplicate: ['conflicting'],
  conflicting: ['duplicate'],
  void: ['duplicate'],
  suppressed: ['duplicate', 'conflicting'],
  'dead-letter': [],
  control: [],
};

const BUCKET_OFFSETS = 2 ** 20;

/** Compares every offset of the partitions of one topic. */
export async function compareOutcomes(
  clickhouse: ClickHouse,
  topic: string,
  partitions: readonly RecountedPartition[],
): Promise<Comparison> {
  const name = `Kafka: outcomes on ${topic}`;
  const comparison: Comparison = { name, compared: 0, differing: 0, differences: [] };
  let expired = 0;
  let unclear = 0;
  for (const { of, outcomes, hasEarlier } of partitions) {
    const { partition } = of;
    const differ = (offset: number, what: string): void => {
      comparison.differing++;
      if (comparison.differences.length >= DIFFERENCES_LISTED_MAX) return;
      comparison.differences.push({ comparison: name, topic, partition, offset, what });
    };
    const recorded = await recordedOutcomes(clickhouse, of, outcomes, differ);
    expired += Math.max(0, outcomes.from - of.start);
    for (let offset = outcomes.from; offset < outcomes.to; offset++) {
      comparison.compared++;
      const bits = recorded[offset - outcomes.from] ?? 0;
      const recounted = outcomes.at(offset);
      if (bits === bitOf(recounted)) continue;
      if (hasEarlier && WITH_EARLIER[recounted].some((outcome) => bits === bitOf(outcome))) unclear++;
      else differ(offset, `recorded ${namesOf(bits)}, Kafka says ${recounted}`);
    }
  }
  const note = noteOf(expired, unclear);
  return note === '' ? comparison : { ...comparison, note };
}

function noteOf(expired: number, unclear: number): string {
  return [
    ...(expired > 0 ? [`${expired} position(s) are gone from Kafka and cannot be recounted`] : []),
    ...(unclear > 0 ? [`${unclear} depend on records from before what Kafka has`] : []),
  ].join('; ');
}

/** Every outcome recorded of each offset, a bit an outcome. One bucket of the table is in memory at a time. */
async function recordedOutcomes(
  clickhouse: ClickHouse,
  { epoch, partition, start }: LedgerPartition,
  { from, to }: OffsetOutcomes,
  differ: (offset: number, what: string) => void,
): Promise<Uint8Array> {
  const recorded = new Uint8Array(to - from);
  const rows = clickhouse.stream<[bucket: number, outcome: LogOutcome, inBucket: number[]]>(
    `SELECT
       bucket, outcome,
       arrayMap(position -> toUInt32(bitAnd(position, ${BUCKET_OFFSETS - 1})), bitmapToArray(groupBitmapMergeState(positions)))
     FROM log_outcomes
     WHERE epoch = {epoch:UInt8} AND partition = {partition:UInt16}
     GROUP BY bucket, outcome`,
    { epoch, partition },
  );
  for await (const [bucket, outcome, inBucket] of rows) {
    const bit = bitOf(outcome);
    for (const inside of inBucket) {
      const offset = bucket * BUCKET_OFFSETS + inside;
      if (offset >= from && offset < to) recorded[offset - from] = (recorded[offset - from] ?? 0) | bit;
      else if (offset < start) differ(offset, `recorded ${outcome}, but the log began at ${start}`);
    }
  }
  return recorded;
}

function bitOf(outcome: LogOutcome): number {
  return 1 << OUTCOMES.indexOf(outcome);
}

function namesOf(bits: number): string {
  const names = OUTCOMES.filter((outcome) => bits & bitOf(outcome));
  return names.length === 0 ? 'nothing' : names.join(' and ');
}
