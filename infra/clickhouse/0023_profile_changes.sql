-- Every change of every source record: what `profile_records` was at any place in the log can be read again, in the order
-- of the records. Changes from before this table are here once the log was replayed; the newest ones are put in below.
CREATE TABLE IF NOT EXISTS profile_changes
(
    tenant_id        LowCardinality(String),
    environment_id   LowCardinality(String),
    source           LowCardinality(String),
    record_id        String,
    position         UInt64,
    deleted          UInt8,
    identifier_kinds Array(LowCardinality(String)),
    identifier_keys  Array(UInt128),
    changed_at       Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, environment_id, source, record_id, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS profile_changes_view TO profile_changes AS
SELECT tenant_id, environment_id, source, record_id, position, deleted, identifier_kinds, identifier_keys, changed_at
FROM ingest_profiles
WHERE outcome = 'counted';

-- After the view, so that nothing falls in between; a row that both bring is one row.
INSERT INTO profile_changes
SELECT tenant_id, environment_id, source, record_id, position, deleted, identifier_kinds, identifier_keys, changed_at
FROM profile_records;
