-- How the keys of entities and events are made. Keys of two kinds in one index would let every repetition count again, so
-- a consumer writes only where its own are. What was written before this table was, has SHA-256.
CREATE TABLE IF NOT EXISTS key_schemes
(
    scheme LowCardinality(String)
)
ENGINE = ReplacingMergeTree
ORDER BY scheme
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO key_schemes
SELECT if(count() = 0, 'blake3', 'sha256') FROM (SELECT 1 FROM event_index LIMIT 1);
