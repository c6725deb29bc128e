-- The environments of each tenant. A change is a new row with the tenant's whole list; the newest holds, the older ones say
-- what was on record before, who changed it and why. The arrays hold an environment each.
CREATE TABLE IF NOT EXISTS environments
(
    tenant_id       LowCardinality(String),
    changed_at      DateTime64(3, 'UTC'),
    -- Tells rows of one millisecond apart.
    change_id       UUID,
    changed_by      String,
    because         String,
    environment_ids Array(String),
    names           Array(String),
    types           Array(String),
    geos            Array(String),
    -- YYYY-MM-DD.
    starts          Array(String),
    -- First day on which it is there no more; empty while it is.
    ends            Array(String)
)
ENGINE = MergeTree
ORDER BY (tenant_id, changed_at, change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
