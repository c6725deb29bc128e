-- Where alerts are told. A change is a new row with the whole list; the newest holds, the older ones say what was before,
-- who changed it and why. No secret is in here, only the names of where it is kept.
CREATE TABLE IF NOT EXISTS alert_targets
(
    changed_at DateTime64(3, 'UTC'),
    -- Tells rows of one millisecond apart.
    change_id  UUID,
    changed_by String,
    because    String,
    -- A target each, JSON.
    targets    Array(String)
)
ENGINE = MergeTree
ORDER BY (changed_at, change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What became of each change at each target, appended, never changed; of the rows of a change and a target the one with the
-- highest attempt says how it stands.
CREATE TABLE IF NOT EXISTS alert_deliveries
(
    change_id       String,
    -- Empty where no target wanted the change.
    target_id       LowCardinality(String),
    -- When the change happened: the order in which a target is told.
    changed_at      DateTime64(3, 'UTC'),
    -- When it was decided who is to be told; the same in every row of a change. A delivery is given up 24 hours later.
    planned_at      DateTime64(3, 'UTC'),
    -- 0: the decision; 1, 2, …: attempts.
    attempt         UInt16,
    at              DateTime64(3, 'UTC'),
    -- waiting and unwanted with attempt 0, else delivered, failed, refused or undeliverable.
    outcome         LowCardinality(String),
    -- What HTTP or SMTP answered; 0 where nothing did.
    status          UInt16,
    -- In words.
    detail          String,
    -- Empty when nothing is to follow.
    next_attempt_at Nullable(DateTime64(3, 'UTC')),
    duration_ms     UInt32,
    -- By this server's clock.
    written_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX changes change_id TYPE bloom_filter GRANULARITY 1,
    INDEX written written_at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (planned_at, change_id, target_id, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
