-- On which days of a month an entity had an interaction: bit 0 is the 1st. Merged by "or", so repeats change nothing.
CREATE TABLE IF NOT EXISTS entity_months
(
    tenant_id      LowCardinality(String),
    month          Date,
    environment_id LowCardinality(String),
    entity_type    Enum8('contact' = 0, 'lead' = 1, 'profile' = 2, 'custom' = 3, 'other' = 4),
    entity_key     UInt128,
    channel        Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
    direction      Enum8('outbound' = 0, 'inbound' = 1),
    days           SimpleAggregateFunction(groupBitOr, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant_id, month, environment_id, entity_type, entity_key, channel, direction)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS entity_months_view TO entity_months AS
SELECT
    tenant_id, toStartOfMonth(toDate(occurred_at)) AS month, environment_id, entity_type, entity_key, channel, direction,
    groupBitOr(bitShiftLeft(toUInt32(1), toDayOfMonth(occurred_at) - 1)) AS days
FROM ingest
WHERE outcome = 'counted'
GROUP BY tenant_id, month, environment_id, entity_type, entity_key, channel, direction;
