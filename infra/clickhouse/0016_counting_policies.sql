-- Which counting policy is in force for a tenant from which day. A change is a new row with the whole timeline; the newest
-- is in force, the older ones say what was decided before, by whom and why.
CREATE TABLE IF NOT EXISTS counting_policies
(
    tenant_id  LowCardinality(String),
    changed_at DateTime64(3, 'UTC'),
    changed_by String,
    because    String,
    -- First day of each policy, and its name; before the first of them the default policy counts.
    starts     Array(Date),
    policies   Array(LowCardinality(String))
)
ENGINE = MergeTree
ORDER BY (tenant_id, changed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
