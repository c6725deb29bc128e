-- Counted interactions that a void took back. An entity's day is empty when all its interactions of the day are here.
CREATE TABLE IF NOT EXISTS voided_interactions
(
    tenant_id      LowCardinality(String),
    day            Date,
    environment_id LowCardinality(String),
    entity_type    Enum8('contact' = 0, 'lead' = 1, 'profile' = 2, 'custom' = 3, 'other' = 4),
    entity_key     UInt128,
    event_key      UInt128,
    position       UInt64,
    void_position  UInt64,
    voided_at      Int64,
    reason         String
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, day, entity_key, event_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS voided_interactions_view TO voided_interactions AS
SELECT
    tenant_id, toDate(occurred_at) AS day, environment_id, entity_type, entity_key, event_key,
    taken_back_position AS position, ingest.position AS void_position, voided_at, void_reason AS reason
FROM ingest
WHERE outcome = 'void' AND taken_back_position != 0;
