/**
 * Step 3's rows of the profiles topic: one a log position, encoded for the table that the views read.
 */
import { RowBinaryWriter } from '@tally/platform/clickhouse';
import type { ProfileRecord } from '@tally/schemas';
import { OUTCOME } from './outcome.ts';

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

const ROW_BYTES_EXPECTED = 256;

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
