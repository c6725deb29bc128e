-- Who opened an epoch, and why: a new one is a decision, since it may leave records behind.
ALTER TABLE logs ADD COLUMN IF NOT EXISTS opened_by String;

ALTER TABLE logs ADD COLUMN IF NOT EXISTS because String;
