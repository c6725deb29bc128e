/**
 * Whether a log still is the one that was counted: the last record of each partition that has an outcome is read again,
 * and must be what was counted there. A topic that was recreated and has grown past the old offsets shows by this alone.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { IncomingRecord } from '@tally/platform/kafka';
import { decodeEvent, decodeProfile, type Place } from './decode.ts';
import { lookUp } from './event-index.ts';
import { keyName } from './first-occurrence.ts';
import type { MeteredLog } from './logs.ts';
import { positionOf } from './position.ts';
import type { RecordedOutcome } from './rows.ts';

/** Throws `LOG_REPLACED` when the record at a counted place is another one than the one that was counted. */
export async function checkIdentity(
  clickhouse: ClickHouse,
  log: MeteredLog,
  kind: Place['kind'],
  last: { partition: number; record: IncomingRecord },
): Promise<void> {
  const place: Place = { kind, epoch: log.epoch, partition: last.partition, partitions: log.partitions };
  const position = positionOf(log.epoch, last.partition, last.record.offset);
  const outcomes = await outcomesAt(clickhouse, position);
  const same = kind === 'interactions' ? isSameEvent : isSameProfile;
  if (outcomes.length > 0 && (await same(clickhouse, last.record, place, position, outcomes))) return;
  throw new TallyError(
    `${log.topic}/${last.partition} holds another record at offset ${last.record.offset} than the one that has the outcome ${outcomes.join(', ') || 'none'}: the topic was recreated or restored`,
    { code: 'LOG_REPLACED', retriable: false },
  );
}

async function isSameEvent(
  clickhouse: ClickHouse,
  record: IncomingRecord,
  place: Place,
  position: bigint,
  outcomes: readonly RecordedOutcome[],
): Promise<boolean> {
  const decoded = decodeEvent(record, place, position);
  if (!decoded.ok) return outcomes.includes('dead-letter');
  const { eventKey, kind } = decoded.event;
  const known = (await lookUp(clickhouse, [eventKey])).get(keyName(eventKey));
  const first = (kind === 'void' ? known?.void : known?.interaction)?.position;
  if (first === undefined) return false;
  return outcomes.includes('duplicate') || outcomes.includes('conflicting') ? first < position : first === position;
}

async function isSameProfile(
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
