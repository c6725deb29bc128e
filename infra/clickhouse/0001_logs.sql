-- Which log each position belongs to: an epoch is one topic on one cluster, from where Tally began to read it.
CREATE TABLE IF NOT EXISTS logs
(
    epoch      UInt8,
    topic      String,
    cluster_id String,
    -- Where each partition began when the epoch was opened; nothing before it was ever Tally's to count.
    starts     Array(UInt64),
    opened_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY epoch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
