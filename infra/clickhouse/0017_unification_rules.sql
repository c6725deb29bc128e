-- How a tenant's records are unified. Appended, never changed: the newest row of a tenant holds, without one the default.
CREATE TABLE IF NOT EXISTS unification_rules
(
    tenant_id     LowCardinality(String),
    set_at        DateTime64(3, 'UTC'),
    -- Tells rows of one millisecond apart.
    change_id     UUID,
    -- The kinds of identifiers that join records; empty: every kind.
    kinds         Array(String),
    -- An identifier that more records than this share joins nobody.
    shared_by_max UInt32,
    by            String,
    because       String
)
ENGINE = MergeTree
ORDER BY (tenant_id, set_at, change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
