-- What people decided about alerts: own rules, what they know of, what they want to hear nothing of. Appended, never changed.
CREATE TABLE IF NOT EXISTS alert_rules
(
    -- Empty for the rules about the pipeline.
    tenant_id  LowCardinality(String),
    changed_at DateTime64(3, 'UTC'),
    -- Tells rows of one millisecond apart.
    change_id  UUID,
    changed_by String,
    because    String,
    -- An own rule each, JSON.
    rules      Array(String)
)
ENGINE = MergeTree
ORDER BY (tenant_id, changed_at, change_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alert_acknowledgements
(
    alert_id  String,
    tenant_id LowCardinality(String),
    at        DateTime64(3, 'UTC'),
    -- Acknowledgement, JSON.
    document  String
)
ENGINE = MergeTree
ORDER BY (tenant_id, alert_id, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alert_silences
(
    silence_id UUID,
    tenant_id  LowCardinality(String),
    -- The newest row of a silence holds: one that was ended early has another end.
    changed_at DateTime64(3, 'UTC'),
    -- Silence, JSON.
    document   String
)
ENGINE = MergeTree
ORDER BY (tenant_id, silence_id, changed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
