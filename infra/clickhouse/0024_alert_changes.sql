-- The outbox of alerts: every change of an alert, as it is told. A change that is written twice is one.
CREATE TABLE IF NOT EXISTS alert_changes
(
    change_id  String,
    alert_id   String,
    -- Empty for what concerns operators.
    tenant_id  LowCardinality(String),
    at         DateTime64(3, 'UTC'),
    -- AlertChange, JSON: every target gets it byte for byte.
    document   String CODEC(ZSTD(3)),
    -- 0: silenced when it happened, and never delivered.
    told       UInt8,
    -- By this server's clock, whatever `at` says: what has come since the notifier last looked.
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
