export { ClickHouse, type ClickHouseOptions, dateTime64, type Params } from './client.ts';
export { type NativeColumn, nativeBlock, TextColumn } from './native.ts';
export { clickhouseEnvironment, clickhouseOptions } from './options.ts';
export { RowBinaryWriter } from './row-binary.ts';
export { checkShards, SHARDS_ON_RECORD, type ShardOnRecord, shardDatabase } from './shards.ts';
export { TableVersions, type Versions } from './table-versions.ts';
export { type SharedRows, TrackedClickHouse, tracked } from './tracked.ts';
