/**
 * Whether a log still is the one that was counted: the last record of each partition that has an outcome is read again,
 * and must be what was counted there. A topic that was recreated and has grown past the old offsets shows by this alone.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type IncomingRecord, type KafkaAdmin, type RecordPlace, readRecordsAt } from '@tally/platform/kafka';
import { decodeEvent, decodeProfile, type Place } from './decode.ts';
import { lookUp } from './event-index.ts';
import { keyName } from './first-occurrence.ts';
import { type MeteredLog, recordedOffsets } from './logs.ts';
import type { RecordedOutcome } from './outcome.ts';
import { partsOf, positionOf } from './position.ts';

export interface IdentitySources {
  kafka: Parameters<typeof readRecordsAt>[0]['kafka'];
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
}

/** The first place found that holds another record than the one that was counted there, or undefined. */
export async function replacedPlace(
  sources: IdentitySources,
  log: MeteredLog,
  kind: Place['kind'],
): Promise<RecordPlace | undefined> {
  const { clickhouse, admin } = sources;
  const starts = new Map((await admin.extents(log.topic)).map(({ partition, start }) => [partition, start]));
  const isInLog = ({ partition, offset }: RecordPlace) => offset >= (starts.get(partition) ?? 0n);
  const places = [...(await recordedOffsets(clickhouse, log.epoch))]
    .map(([partition, offset]) => ({ topic: log.topic, partition, offset }))
    // What has expired since it was counted cannot be read again.
    .filter(isInLog);
  const records = await readRecordsAt(sources, places);
  for (const place of places) {
    const record = records.get(`${place.topic}/${place.partition}`);
    if (!record) continue;
    const outcomes = await outcomesAt(clickhouse, positionOf(log.epoch, place.partition, BigInt(record.offset)));
    if (await isKnown(clickhouse, { log, kind, partition: place.partition, record }, outcomes)) continue;
    const witness = await lastWitness(clickhouse, kind, log.epoch, place);
    if (!witness || !isInLog(witness)) continue;
    const there = (await readRecordsAt(sources, [witness])).get(`${place.topic}/${place.partition}`);
    const same =
      there && (await isKnown(clickhouse, { log, kind, partition: place.partition, record: there }, ['counted']));
    if (!same) return witness;
  }
  return undefined;
}

/**
 * The last place up to the given one whose record itself is in the tables, or undefined. The views of an insert are
 * written one after another, so one that was cut off, or that another consumer is at, may have left an outcome without
 * its record. What was written before tells whether the log is another one.
 */
async function lastWitness(
  clickhouse: ClickHouse,
  kind: Place['kind'],
  epoch: number,
  { topic, partition, offset }: RecordPlace,
): Promise<RecordPlace | undefined> {
  const { found, last } = await clickhouse.queryOne<{ found: string; last: string }>(
    `SELECT count() AS found, max(position) AS last
     FROM ${kind === 'interactions' ? 'event_index' : 'profile_records'}
     WHERE position BETWEEN {from:UInt64} AND {to:UInt64}`,
    { from: positionOf(epoch, partition, 0n).toString(), to: positionOf(epoch, partition, offset).toString() },
  );
  return found === '0' ? undefined : { topic, partition, offset: partsOf(BigInt(last)).offset };
}

/** Whether the tables know a record at its place, with one of these outcomes. */
function isKnown(
  clickhouse: ClickHouse,
  { log, kind, partition, record }: { log: MeteredLog; kind: Place['kind']; partition: number; record: IncomingRecord },
  outcomes: readonly RecordedOutcome[],
): Promise<boolean> {
  const place: Place = { kind, epoch: log.epoch, partition, partitions: log.partitions };
  const position = positionOf(log.epoch, partition, BigInt(record.offset));
  const known = kind === 'interactions' ? isKnownEvent : isKnownProfile;
  return known(clickhouse, record, place, position, outcomes);
}

async function isKnownEvent(
  clickhouse: ClickHouse,
  record: IncomingRecord,
  place: Place,
  position: bigint,
  outcomes: readonly RecordedOutcome[],
): Promise<boolean> {
  const decoded = decodeEvent(record, place, position);
  if (!decoded.ok) return outcomes.includes('dead-letter');
  const { eventKey, kind } = decoded.event;
  const known = (await lookUp(clickhouse.shardOf(place.partition), eventKey)).get(keyName(eventKey));
  const first = (kind === 'void' ? known?.void : known?.interaction)?.position;
  if (first === undefined) return false;
  return outcomes.includes('duplicate') || outcomes.includes('conflicting') ? first < position : first === position;
}

async function isKnownProfile(
  clickhouse: ClickHouse,
  record: IncomingRecord,
  place: Place,
  position: bigint,
  outcomes: readonly RecordedOutcome[],
): Promise<boolean> {
  const decoded = decodeProfile(record, place);
  if (!decoded.ok) return outcomes.includes('dead-letter');
  const { tenantId, environmentId, source, recordId } = decoded.record;
  const { newest } = await clickhouse.queryOne<{ newest: string }>(
    `SELECT max(position) AS newest
     FROM profile_records
     WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String}
       AND source = {source:String} AND record_id = {recordId:String}`,
    { tenantId, environmentId, source, recordId },
  );
  return outcomes.includes('counted') && BigInt(newest) >= position;
}

async function outcomesAt(clickhouse: ClickHouse, position: bigint): Promise<RecordedOutcome[]> {
  const rows = await clickhouse.query<{ outcome: RecordedOutcome }>(
    `SELECT outcome
     FROM log_outcomes
     WHERE epoch = bitShiftRight({position:UInt64}, 56)
       AND partition = bitAnd(bitShiftRight({position:UInt64}, 40), 0xFFFF)
       AND bucket = bitShiftRight(bitAnd({position:UInt64}, 0xFFFFFFFFFF), 20)
     GROUP BY outcome
     HAVING bitmapContains(groupBitmapMergeState(positions), {position:UInt64})`,
    { position: position.toString() },
  );
  return rows.map(({ outcome }) => outcome);
}
