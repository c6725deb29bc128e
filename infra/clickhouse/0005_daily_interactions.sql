-- The positions counted and those taken back, as bitmaps: a month's figure is a cardinality, however often a row came.
CREATE TABLE IF NOT EXISTS daily_interactions
(
    tenant_id      LowCardinality(String),
    day            Date,
    environment_id LowCardinality(String),
    channel        Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
    direction      Enum8('outbound' = 0, 'inbound' = 1),
    counted        AggregateFunction(groupBitmap, UInt64),
    voided         AggregateFunction(groupBitmap, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant_id, day, environment_id, channel, direction)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_interactions_view TO daily_interactions AS
SELECT
    tenant_id, toDate(occurred_at) AS day, environment_id, channel, direction,
    groupBitmapStateIf(position, outcome = 'counted') AS counted,
    groupBitmapStateIf(taken_back_position, outcome = 'void') AS voided
FROM ingest
WHERE outcome = 'counted' OR taken_back_position != 0
GROUP BY tenant_id, day, environment_id, channel, direction;
