export * from './announced.ts';
export * from './cloud-events.ts';
export * from './dead-letters.ts';
export * from './keys.ts';
export * from './records.ts';
export {
  type Decoded,
  decodeRecord,
  encodeRecord,
  headerOf,
  type NewerVersions,
  type SchemaVersion,
  VERSIONS,
} from './single-object.ts';
export * from './topics.ts';
export * from './validate.ts';
