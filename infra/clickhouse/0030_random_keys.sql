-- Keys are random, so compressing them costs time and saves nothing; and whoever looks a key up should read no more of it
-- than the granule it lies in, which here are 4 KiB instead of 64.
ALTER TABLE event_index MODIFY COLUMN event_key UInt128 CODEC(NONE);
ALTER TABLE event_index MODIFY SETTING min_compress_block_size = 4096, max_compress_block_size = 16384;
ALTER TABLE interactions MODIFY COLUMN event_key UInt128 CODEC(NONE);
ALTER TABLE interactions MODIFY COLUMN entity_key UInt128 CODEC(NONE);
ALTER TABLE entity_months MODIFY COLUMN entity_key UInt128 CODEC(NONE);
