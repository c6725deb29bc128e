-- What people did about dead letters. Appended, never changed: a dead letter's state follows from its actions. The dead
-- letters themselves stay in their topic. An action that is written twice is one row.
CREATE TABLE IF NOT EXISTS dead_letter_actions
(
    -- topic/partition/offset of the record that was refused.
    origin         String,
    action_id      UUID,
    action         Enum8('retried' = 1, 'discarded' = 2),
    at             DateTime64(3, 'UTC'),
    by             String,
    -- Why; a discard always says it.
    reason         String,
    -- Of a retry: how many retries lie between it and the first record.
    attempt        UInt16,
    -- Of a retry: where its event was known at the time, so that it changes nothing; 0 where it was not known.
    known_position UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (origin, action_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
