/**
 * Step 3's rows: one a log position, encoded for the two tables that the views read.
 */
import { RowBinaryWriter } from '@tally/platform/clickhouse';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES, type ProfileRecord } from '@tally/schemas';
import type { Decided } from './first-occurrence.ts';

const OUTCOME = {
  counted: 1,
  duplicate: 2,
  conflicting: 3,
  void: 4,
  suppressed: 5,
  'dead-letter': 6,
  control: 7,
} as const;

/** What may have become of a log position. */
export type RecordedOutcome = keyof typeof OUTCOME;

/** A position that holds nothing to count. */
export interface EmptyRow {
  position: bigint;
  outcome: 'dead-letter' | 'control';
}

export interface ProfileRow {
  position: bigint;
  record: ProfileRecord;
  identifiers: { kind: string; key: Buffer }[];
}

const NO_KEY = Buffer.alloc(16);
const ROW_BYTES_EXPECTED = 256;

export const INGEST_COLUMNS = [
  'position',
  'outcome',
  'tenant_id',
  'environment_id',
  'entity_type',
  'entity_id',
  'entity_key',
  'event_id',
  'event_key',
  'channel',
  'direction',
  'occurred_at',
  'journey_id',
  'provider',
  'content_hash',
  'taken_back_position',
  'voided_at',
  'void_reason',
] as const;

/** Rows of table `ingest`, RowBinary. */
export function encodeEvents(decided: readonly Decided[], empty: readonly EmptyRow[]): Buffer {
  const to = new RowBinaryWriter((decided.length + empty.length) * ROW_BYTES_EXPECTED);
  for (const row of decided) writeDecided(to, row);
  for (const row of empty) writeEmptyEvent(to, row);
  return to.bytes();
}

function writeDecided(to: RowBinaryWriter, { event, outcome, takesBack }: Decided): void {
  const { value } = event;
  to.uint64(event.position);
  to.int8(OUTCOME[outcome]);
  to.string(value.tenantId);
  to.string(value.environmentId);
  to.int8(ENTITY_TYPES.indexOf(value.entityType));
  to.string(value.entityId);
  to.fixed(event.entityKey);
  to.string(value.eventId);
  to.fixed(event.eventKey);
  if (event.kind === 'interaction') {
    const { channel, direction, occurredAt, journeyId, provider } = event.value;
    to.int8(CHANNELS.indexOf(channel));
    to.int8(DIRECTIONS.indexOf(direction));
    to.int64(occurredAt);
    to.string(journeyId ?? '');
    to.string(provider ?? '');
    to.uint64(event.contentHash);
    to.uint64(0n);
    to.int64(0);
    to.string('');
  } else {
    to.int8(takesBack ? CHANNELS.indexOf(takesBack.channel) : 0);
    to.int8(takesBack ? DIRECTIONS.indexOf(takesBack.direction) : 0);
    to.int64(takesBack?.occurredAt ?? 0);
    to.string('');
    to.string('');
    to.uint64(takesBack?.contentHash ?? 0n);
    to.uint64(takesBack?.position ?? 0n);
    to.int64(event.value.voidedAt);
    to.string(event.value.reason);
  }
}

function writeEmptyEvent(to: RowBinaryWriter, { position, outcome }: EmptyRow): void {
  to.uint64(position);
  to.int8(OUTCOME[outcome]);
  to.string('');
  to.string('');
  to.int8(0);
  to.string('');
  to.fixed(NO_KEY);
  to.string('');
  to.fixed(NO_KEY);
  to.int8(0);
  to.int8(0);
  to.int64(0);
  to.string('');
  to.string('');
  to.uint64(0n);
  to.uint64(0n);
  to.int64(0);
  to.string('');
}

export const INGEST_PROFILE_COLUMNS = [
  'position',
  'outcome',
  'tenant_id',
  'environment_id',
  'source',
  'record_id',
  'deleted',
  'identifier_kinds',
  'identifier_keys',
  'changed_at',
] as const;

/** Rows of table `ingest_profiles`, RowBinary. */
export function encodeProfiles(profiles: readonly ProfileRow[], empty: readonly EmptyRow[]): Buffer {
  const to = new RowBinaryWriter((profiles.length + empty.length) * ROW_BYTES_EXPECTED);
  for (const { position, record, identifiers } of profiles) {
    to.uint64(position);
    to.int8(OUTCOME.counted);
    to.string(record.tenantId);
    to.string(record.environmentId);
    to.string(record.source);
    to.string(record.recordId);
    to.int8(record.operation === 'delete' ? 1 : 0);
    to.array(identifiers, ({ kind }) => to.string(kind));
    to.array(identifiers, ({ key }) => to.fixed(key));
    to.int64(record.changedAt);
  }
  for (const { position, outcome } of empty) {
    to.uint64(position);
    to.int8(OUTCOME[outcome]);
    for (let text = 0; text < 4; text++) to.string('');
    to.int8(0);
    to.array([], () => undefined);
    to.array([], () => undefined);
    to.int64(0);
  }
  return to.bytes();
}
