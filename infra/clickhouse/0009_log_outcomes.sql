-- What became of every log position: exactly one outcome each. The accounting identity is read from these bitmaps.
CREATE TABLE IF NOT EXISTS log_outcomes
(
    epoch     UInt8,
    partition UInt16,
    -- A million offsets each, so that no bitmap grows without end.
    bucket    UInt32,
    outcome   Enum8('counted' = 1, 'duplicate' = 2, 'conflicting' = 3, 'void' = 4, 'suppressed' = 5, 'dead-letter' = 6, 'control' = 7),
    positions AggregateFunction(groupBitmap, UInt64),
    last      SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (epoch, partition, bucket, outcome)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS log_outcomes_view TO log_outcomes AS
SELECT
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    toUInt32(bitShiftRight(bitAnd(position, 0xFFFFFFFFFF), 20)) AS bucket,
    outcome,
    groupBitmapState(position) AS positions,
    max(position) AS last
FROM ingest
GROUP BY epoch, partition, bucket, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS log_outcomes_profiles_view TO log_outcomes AS
SELECT
    toUInt8(bitShiftRight(position, 56)) AS epoch,
    toUInt16(bitAnd(bitShiftRight(position, 40), 0xFFFF)) AS partition,
    toUInt32(bitShiftRight(bitAnd(position, 0xFFFFFFFFFF), 20)) AS bucket,
    outcome,
    groupBitmapState(position) AS positions,
    max(position) AS last
FROM ingest_profiles
GROUP BY epoch, partition, bucket, outcome;
