/**
 * Record keys. All events of an entity have one key, so one partition, so one order: deduplication rests on it.
 */
import type { EntityIdentity, ProfileRecord, TallyRecord } from './records.ts';

/** `tenantId/environmentId/entityType/entityId`. */
export function entityKey(entity: EntityIdentity): string {
  return `${entity.tenantId}/${entity.environmentId}/${entity.entityType}/${entity.entityId}`;
}

/** `tenantId/environmentId/source/recordId`. */
export function profileKey(record: Pick<ProfileRecord, 'tenantId' | 'environmentId' | 'source' | 'recordId'>): string {
  return `${record.tenantId}/${record.environmentId}/${record.source}/${record.recordId}`;
}

/** The key a record must be produced under. */
export function recordKey(record: TallyRecord): string {
  return record.schema === 'ProfileRecord' ? profileKey(record.value) : entityKey(record.value);
}
