/**
 * Sent with every request: settings that decide whether an acknowledged row is really there are not left to servers.
 */
import type { ClickHouseSettings } from '@clickhouse/client';

export const SETTINGS: ClickHouseSettings = {
  // A row is acknowledged when it is on disk, not when it is in a queue.
  async_insert: 0,
  // ClickHouse's own deduplication could swallow a retry of an insert whose views had not all been written.
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  materialized_views_ignore_errors: 0,
  // A part need not be merged in itself before it is written: the views group already, and merges do the rest.
  optimize_on_insert: 0,
  // Nothing here is planned by them.
  materialize_statistics_on_insert: 0,
  // One batch may hold events of any month since 2015.
  max_partitions_per_insert_block: '0',
  // Errors come as a status, not in the middle of an answer.
  wait_end_of_query: 1,
  output_format_json_quote_64bit_integers: 1,
  // On a cluster, a shard that is away is an error, never a smaller figure.
  skip_unavailable_shards: 0,
  // A table in a condition is the whole table, not each shard's part of it: right whatever the condition is.
  distributed_product_mode: 'global',
  // Shard 0's own part is read without a connection.
  prefer_localhost_replica: 1,
  // A row that goes by a table over all shards is on its shard's disk when it is acknowledged.
  distributed_foreground_insert: 1,
};
