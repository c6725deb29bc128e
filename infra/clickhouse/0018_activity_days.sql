-- The last position that changed something on each day of each tenant: a late event or a void re-opens the figures of its
-- own day, and of no day before it. A run asks only for the tenants it works out.
CREATE TABLE IF NOT EXISTS activity_days
(
    tenant_id LowCardinality(String),
    day       Date,
    epoch     UInt8,
    partition UInt16,
    last      SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant_id, day, epoch, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_days_view TO activity_days AS
SELECT
    tenant_id, toDate(occurred_at) AS day,
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    max(position) AS last
FROM ingest
WHERE outcome = 'counted' OR taken_back_position != 0
GROUP BY tenant_id, day, epoch, partition;

-- What was there before the view was. It is made after the view, so that nothing falls between the two; what comes twice
-- is merged by "max".
INSERT INTO activity_days
SELECT
    tenant_id, day,
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    max(position) AS last
FROM interactions
GROUP BY tenant_id, day, epoch, partition;

INSERT INTO activity_days
SELECT
    tenant_id, day,
    toUInt8(bitShiftRight(void_position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(void_position, 40), 0xFFFF)) AS partition,
    max(void_position) AS last
FROM voided_interactions
GROUP BY tenant_id, day, epoch, partition;
