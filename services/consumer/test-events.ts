/**
 * Events and records for tests, valid unless a test changes them.
 */
import { type IncomingBatch, type IncomingRecord, partitionOf } from '@tally/platform/kafka';
import {
  encodeRecord,
  type Interaction,
  type InteractionVoided,
  type ProfileRecord,
  recordKey,
  type TallyRecord,
} from '@tally/schemas';
import type { LogEvent, Place } from './decode.ts';
import { contentHashOf, entityKeyOf, eventKeyOf } from './hash.ts';

export const NOW = Date.UTC(2026, 0, 15, 12);

const ENTITY = { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId: 'c-1' } as const;

export function interaction(change: Partial<Interaction> = {}): TallyRecord & { schema: 'Interaction' } {
  const value: Interaction = {
    eventId: 'e-1',
    ...ENTITY,
    channel: 'email',
    direction: 'outbound',
    occurredAt: NOW,
    journeyId: null,
    provider: null,
    ...change,
  };
  return { schema: 'Interaction', value };
}

export function voided(change: Partial<InteractionVoided> = {}): TallyRecord & { schema: 'InteractionVoided' } {
  return { schema: 'InteractionVoided', value: { eventId: 'e-1', ...ENTITY, voidedAt: NOW, reason: 'why', ...change } };
}

export function profile(change: Partial<ProfileRecord> = {}): TallyRecord & { schema: 'ProfileRecord' } {
  const value: ProfileRecord = {
    tenantId: 'contoso',
    environmentId: 'prod',
    source: 'crm',
    recordId: 'r-1',
    operation: 'upsert',
    identifiers: [{ kind: 'email', value: 'lamar@contoso.com' }],
    changedAt: NOW,
    ...change,
  };
  return { schema: 'ProfileRecord', value };
}

/** A record as the log has it, under its own key. */
export function incoming(record: TallyRecord, change: Partial<IncomingRecord> = {}): IncomingRecord {
  return { offset: 7, key: Buffer.from(recordKey(record)), value: encodeRecord(record), timestamp: NOW, ...change };
}

/** The place where a record belongs. */
export function placeOf(record: TallyRecord, partitions = 8): Place {
  const kind = record.schema === 'ProfileRecord' ? 'profiles' : 'interactions';
  return { kind, epoch: 1, partition: partitionOf(Buffer.from(recordKey(record)), partitions), partitions };
}

/** An event at a position, past step 1. */
export function eventAt(
  position: bigint,
  { schema, value }: TallyRecord & { schema: 'Interaction' | 'InteractionVoided' },
): LogEvent {
  const keys = { position, eventKey: eventKeyOf(value), entityKey: entityKeyOf(value) };
  if (schema === 'InteractionVoided') return { ...keys, kind: 'void', value };
  return { ...keys, kind: 'interaction', value, contentHash: contentHashOf(value) };
}

/** A batch of records at these offsets. */
export function batchOf(offsets: readonly number[], change: Partial<IncomingBatch> = {}): IncomingBatch {
  const first = offsets[0] ?? 0;
  const last = offsets.at(-1) ?? 0;
  return {
    topic: 't',
    partition: 0,
    fetchedFrom: first,
    records: offsets.map((offset) => incoming(interaction(), { offset })),
    lastOffset: last,
    end: last + 1,
    ...change,
  };
}
