-- Where each event and each void was first seen: what deduplication asks. Small granules, since keys are asked for singly.
CREATE TABLE IF NOT EXISTS event_index
(
    event_key    UInt128,
    kind         Enum8('interaction' = 1, 'void' = 2, 'suppressed' = 3),
    position     UInt64,
    occurred_at  DateTime64(3, 'UTC'),
    channel      Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5),
    direction    Enum8('outbound' = 0, 'inbound' = 1),
    content_hash UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (event_key, kind)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS event_index_view TO event_index AS
SELECT
    event_key,
    CAST(multiIf(outcome = 'void', 'void', outcome = 'suppressed', 'suppressed', 'interaction') AS Enum8('interaction' = 1, 'void' = 2, 'suppressed' = 3)) AS kind,
    position, occurred_at, channel, direction, content_hash
FROM ingest
WHERE outcome IN ('counted', 'void', 'suppressed');
