-- The last position that changed something for each tenant and environment: what the aggregator has to work out again.
CREATE TABLE IF NOT EXISTS activity
(
    tenant_id      LowCardinality(String),
    environment_id LowCardinality(String),
    epoch          UInt8,
    partition      UInt16,
    last           SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant_id, environment_id, epoch, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_view TO activity AS
SELECT
    tenant_id, environment_id,
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    max(position) AS last
FROM ingest
WHERE outcome IN ('counted', 'void')
GROUP BY tenant_id, environment_id, epoch, partition;

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_profiles_view TO activity AS
SELECT
    tenant_id, environment_id,
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    max(position) AS last
FROM ingest_profiles
WHERE outcome = 'counted'
GROUP BY tenant_id, environment_id, epoch, partition;
