-- Entities whose id must not be readable any more. The views ask here, so that a replay of the log does not bring an id
-- back; what an erased entity did still counts, under its key.
CREATE TABLE IF NOT EXISTS erasures
(
    entity_key UInt128,
    tenant_id  LowCardinality(String),
    erased_at  DateTime64(3, 'UTC'),
    by         String,
    because    String
)
ENGINE = ReplacingMergeTree
ORDER BY entity_key
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE interactions_view MODIFY QUERY
SELECT
    tenant_id, toDate(occurred_at) AS day, environment_id, entity_type,
    if(entity_key IN (SELECT entity_key FROM erasures), '', entity_id) AS entity_id,
    entity_key, event_id, event_key, channel, direction, occurred_at, journey_id, provider, position
FROM ingest
WHERE outcome = 'counted';

ALTER TABLE conflicting_interactions_view MODIFY QUERY
SELECT
    tenant_id, position, toDate(occurred_at) AS day, environment_id, entity_type,
    if(entity_key IN (SELECT entity_key FROM erasures), '', entity_id) AS entity_id,
    entity_key, event_id, event_key, channel, direction, occurred_at, journey_id, provider, content_hash
FROM ingest
WHERE outcome = 'conflicting';
