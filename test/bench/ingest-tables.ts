/**
 * How the contenders without deduplication make rows of table `ingest` from events: every view behind it is Tally's.
 */

/** An event's fields as columns, in the order of the wire. */
export const EVENT_COLUMNS = `
  eventId String,
  tenantId String,
  environmentId String,
  entityType Enum8('contact' = 0, 'lead' = 1, 'profile' = 2, 'custom' = 3, 'other' = 4),
  entityId String,
  channel Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
  direction Enum8('outbound' = 0, 'inbound' = 1),
  occurredAt Int64,
  journeyId String,
  provider String`;

/** What is written; all other columns have their defaults. */
export const INGEST_COLUMNS = `position, outcome, tenant_id, environment_id, entity_type, entity_id, entity_key, event_id,
  event_key, channel, direction, occurred_at, journey_id, provider, content_hash`;

/** The first epoch of a database, as Tally numbers positions. */
const EPOCH = 1;

/** Columns of `ingest` out of EVENT_COLUMNS, `_partition` and `_offset`; keys by a hash that ClickHouse is fast at. */
export function ingestSelect(outcome: string): string {
  return `
    SELECT
      toUInt64(bitShiftLeft(toUInt64(${EPOCH}), 56) + bitShiftLeft(toUInt64(_partition), 40) + toUInt64(_offset)) AS position,
      CAST(${outcome} AS Enum8('counted' = 1, 'duplicate' = 2)) AS outcome,
      CAST(tenantId AS LowCardinality(String)) AS tenant_id,
      CAST(environmentId AS LowCardinality(String)) AS environment_id,
      entityType AS entity_type,
      entityId AS entity_id,
      reinterpretAsUInt128(sipHash128(tenantId, environmentId, toInt8(entityType), entityId)) AS entity_key,
      eventId AS event_id,
      reinterpretAsUInt128(sipHash128(tenantId, environmentId, toInt8(entityType), entityId, eventId)) AS event_key,
      channel, direction,
      fromUnixTimestamp64Milli(occurredAt, 'UTC') AS occurred_at,
      journeyId AS journey_id, provider,
      sipHash64(toInt8(channel), toInt8(direction), occurredAt, journeyId, provider) AS content_hash`;
}
