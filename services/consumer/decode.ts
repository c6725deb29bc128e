/**
 * Step 1: from a record's bytes to an event that can count, or the reason why it cannot. Pure; never throws.
 */
import { type IncomingRecord, partitionOf } from '@tally/platform/kafka';
import {
  decodeRecord,
  type Fault,
  faultOf,
  type Interaction,
  type InteractionVoided,
  type NewerVersions,
  type ProfileRecord,
  recordKey,
  type TallyRecord,
} from '@tally/schemas';
import { contentHashOf, entityKeyOf, eventKeyOf } from './hash.ts';

/** Where a record stands, and what is expected of records there. */
export interface Place {
  kind: 'interactions' | 'profiles';
  epoch: number;
  partition: number;
  partitions: number;
  /** Versions of schemas that others have announced. */
  newer?: NewerVersions | undefined;
}

/** An interaction or a void with its keys. */
export type LogEvent = {
  position: bigint;
  eventKey: Buffer;
  entityKey: Buffer;
} & ({ kind: 'interaction'; value: Interaction; contentHash: bigint } | { kind: 'void'; value: InteractionVoided });

export type DecodedEvent = { ok: true; event: LogEvent } | { ok: false; fault: Fault };
export type DecodedProfile = { ok: true; record: ProfileRecord } | { ok: false; fault: Fault };

/** Decodes a record of the interactions topic. */
export function decodeEvent(record: IncomingRecord, place: Place, position: bigint): DecodedEvent {
  const decoded = decodeChecked(record, place);
  if ('fault' in decoded) return { ok: false, fault: decoded.fault };
  const { schema, value } = decoded.record;
  if (schema === 'ProfileRecord') return { ok: false, fault: wrongTopic(schema) };
  const keys = { position, eventKey: eventKeyOf(value), entityKey: entityKeyOf(value) };
  if (schema === 'InteractionVoided') return { ok: true, event: { ...keys, kind: 'void', value } };
  return { ok: true, event: { ...keys, kind: 'interaction', value, contentHash: contentHashOf(value) } };
}

/** Decodes a record of the profiles topic. */
export function decodeProfile(record: IncomingRecord, place: Place): DecodedProfile {
  const decoded = decodeChecked(record, place);
  if ('fault' in decoded) return { ok: false, fault: decoded.fault };
  const { schema, value } = decoded.record;
  return schema === 'ProfileRecord' ? { ok: true, record: value } : { ok: false, fault: wrongTopic(schema) };
}

function decodeChecked(record: IncomingRecord, place: Place): { record: TallyRecord } | { fault: Fault } {
  const decoded = decodeRecord(record.value, place.newer);
  if (!decoded.ok) return { fault: decoded.fault };
  const fault = faultOf(decoded.record, record.timestamp) ?? keyFault(record.key, decoded.record, place);
  return fault ? { fault } : { record: decoded.record };
}

/**
 * First occurrence is decided within one partition. A record elsewhere could be counted there a second time, so it does
 * not count at all, and is told.
 */
function keyFault(key: Buffer | null, record: TallyRecord, { partition, partitions }: Place): Fault | undefined {
  if (key === null || key.length === 0) return { reason: 'missing-key', detail: 'the record’s key is empty' };
  if (!key.equals(Buffer.from(recordKey(record)))) {
    return { reason: 'key-mismatch', detail: 'the key is not tenantId/environmentId/… of the record' };
  }
  const expected = partitionOf(key, partitions);
  if (expected === partition) return undefined;
  return { reason: 'wrong-partition', detail: `the key belongs on partition ${expected} of ${partitions}` };
}

function wrongTopic(schema: string): Fault {
  return { reason: 'wrong-topic', detail: `${schema} does not belong on this topic` };
}
