-- What each tenant bought. A change is a new row with the tenant's whole list of lines; the newest is in force, the older
-- ones say what was on record before, who changed it and why. The arrays hold a line each.
CREATE TABLE IF NOT EXISTS licences
(
    tenant_id         LowCardinality(String),
    changed_at        DateTime64(3, 'UTC'),
    -- Tells rows of one millisecond apart.
    change_id         UUID,
    changed_by        String,
    because           String,
    -- The catalogue of products that the lines were checked by.
    catalogue_version UInt32,
    skus              Array(String),
    quantities        Array(UInt32),
    -- 0: the line says none.
    pack_sizes        Array(UInt32),
    -- YYYY-MM-DD, as text: people write 9999-12-31 too, which no date type holds.
    starts            Array(String),
    -- First day on which the line grants no more; empty while it is open.
    ends              Array(String)
)
ENGINE = MergeTree
ORDER BY (tenant_id, changed_at, change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
