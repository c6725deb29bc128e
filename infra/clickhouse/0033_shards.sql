-- Which of how many servers this one is: rows of the log are on the shard that their partition's number leaves when it is
-- divided by the number of shards. One server has one row, 0 of 1. Written by `tally migrate`, never changed.
CREATE TABLE IF NOT EXISTS shards
(
    number   UInt16,
    shards   UInt16,
    noted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
