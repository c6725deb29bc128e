-- Log-ins are on record too, and requests have the names that their senders give them.

ALTER TABLE audit
    -- What the answer and the log call the request: its sender may have chosen it, so it may come twice. Empty before
    -- this: request_id was all there was.
    ADD COLUMN IF NOT EXISTS answered_id String AFTER request_id,
    -- Where a log-in came from; empty for all else.
    ADD COLUMN IF NOT EXISTS address String AFTER via;
