-- Statements as they stand in their topic, whose order decided which of two said at once holds. A row is never changed;
-- the columns are for finding, the document is what was said.
CREATE TABLE IF NOT EXISTS statements
(
    tenant_id       LowCardinality(String),
    -- 1, 2, … in the order in which the tenant's statements were issued.
    number          UInt32,
    month           Date,
    issued_at       DateTime64(3, 'UTC'),
    digest          String,
    previous_digest String,
    -- Of the record in the topic of statements.
    log_offset      UInt64,
    -- RFC 8785.
    document        String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, number, digest)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
