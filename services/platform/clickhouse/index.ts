export { ClickHouse, type ClickHouseOptions, dateTime64, type Params } from './client.ts';
export { RowBinaryWriter } from './row-binary.ts';
