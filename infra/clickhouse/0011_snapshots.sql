-- Each aggregator run, and the figures it published. Nothing is overwritten: what was published when can be told.
CREATE TABLE IF NOT EXISTS aggregator_runs
(
    run_id      UUID,
    started_at  DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC'),
    day         Date,
    scope       Enum8('changed' = 1, 'all' = 2),
    outcome     Enum8('succeeded' = 1, 'partly' = 2, 'failed' = 3),
    tenants     UInt32,
    failed      Array(String),
    -- topic/partition → the offset up to which everything is in the figures.
    positions   Map(String, UInt64)
)
ENGINE = MergeTree
ORDER BY started_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS snapshots
(
    tenant_id   LowCardinality(String),
    meter       Enum8('interactions' = 1, 'engaged' = 2, 'unified' = 3),
    -- The month's first day for interactions, else the day.
    period      Date,
    policy      LowCardinality(String),
    computed_at DateTime64(3, 'UTC'),
    run_id      UUID,
    total       UInt64,
    -- The breakdown as JSON, in the shape the API answers with.
    breakdown   String,
    positions   Map(String, UInt64)
)
ENGINE = MergeTree
ORDER BY (tenant_id, meter, period, policy, computed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
