export { ClickHouse, type ClickHouseOptions, dateTime64, type Params } from './client.ts';
export { type NativeColumn, nativeBlock, TextColumn } from './native.ts';
export { RowBinaryWriter } from './row-binary.ts';
export { clickhouseServer } from './server.ts';
export { TableVersions, type Versions } from './table-versions.ts';
export { type SharedRows, TrackedClickHouse, tracked } from './tracked.ts';
