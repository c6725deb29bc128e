-- Events that came again with other content: they do not count, and both contents can be shown. In the order of the log,
-- which is the order they are paged in. What the first occurrence said is in `interactions` or, suppressed, `event_index`.
CREATE TABLE IF NOT EXISTS conflicting_interactions
(
    tenant_id      LowCardinality(String),
    position       UInt64,
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
    content_hash   UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS conflicting_interactions_view TO conflicting_interactions AS
SELECT
    tenant_id, position, toDate(occurred_at) AS day, environment_id, entity_type, entity_id, entity_key, event_id,
    event_key, channel, direction, occurred_at, journey_id, provider, content_hash
FROM ingest
WHERE outcome = 'conflicting';
