-- Every counted interaction, for drill-down, audit and voids. The same row may be written more than once; it is one row.
CREATE TABLE IF NOT EXISTS interactions
(
    tenant_id      LowCardinality(String),
    day            Date,
    environment_id LowCardinality(String),
    entity_type    Enum8('contact' = 0, 'lead' = 1, 'profile' = 2, 'custom' = 3, 'other' = 4),
    entity_id      String,
    entity_key     UInt128,
    event_id       String,
    event_key      UInt128,
    channel        Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
    direction      Enum8('outbound' = 0, 'inbound' = 1),
    occurred_at    DateTime64(3, 'UTC'),
    journey_id     String,
    provider       String,
    position       UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (tenant_id, day, entity_key, event_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS interactions_view TO interactions AS
SELECT
    tenant_id, toDate(occurred_at) AS day, environment_id, entity_type, entity_id, entity_key, event_id, event_key,
    channel, direction, occurred_at, journey_id, provider, position
FROM ingest
WHERE outcome = 'counted';
