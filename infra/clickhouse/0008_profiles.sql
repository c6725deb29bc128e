-- Each source record's latest identifiers, as keyed hashes: e-mail addresses and phone numbers never get here in clear.
CREATE TABLE IF NOT EXISTS ingest_profiles
(
    position         UInt64,
    outcome          Enum8('counted' = 1, 'duplicate' = 2, 'conflicting' = 3, 'void' = 4, 'suppressed' = 5, 'dead-letter' = 6, 'control' = 7),
    tenant_id        LowCardinality(String),
    environment_id   LowCardinality(String),
    source           LowCardinality(String),
    record_id        String,
    deleted          UInt8,
    identifier_kinds Array(LowCardinality(String)),
    identifier_keys  Array(UInt128),
    changed_at       Int64
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS profile_records
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
ENGINE = ReplacingMergeTree(position)
ORDER BY (tenant_id, environment_id, source, record_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS profile_records_view TO profile_records AS
SELECT tenant_id, environment_id, source, record_id, position, deleted, identifier_kinds, identifier_keys, changed_at
FROM ingest_profiles
WHERE outcome = 'counted';
