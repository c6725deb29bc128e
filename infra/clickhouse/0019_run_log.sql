-- The run log says of every job when it was due, why it ran, what went wrong and in which process.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS job LowCardinality(String) DEFAULT 'aggregate';

-- schedule: its time had come; missed: its time came while nothing ran; first: it never ran before; asked: somebody did.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS cause LowCardinality(String) DEFAULT 'schedule';

ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS due_at DateTime64(3, 'UTC') DEFAULT started_at;

-- host:pid.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS process String;

-- In words; a line for each tenant that failed.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS error String;

ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS published UInt64;

-- Tenants that have no figure for the run's day yet: a new day's are worked out by and by.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS waiting UInt32;

-- topic → the epoch that the positions belong to.
ALTER TABLE aggregator_runs ADD COLUMN IF NOT EXISTS epochs Map(String, UInt8);
