export { checkReplaced } from './check-logs.ts';
export { type ConsumerConfig, consumerConfig } from './config.ts';
export { type ConsumerOptions, type RunningConsumer, startConsumer } from './consumer.ts';
export { LINEAGE_HEADERS } from './dead-letter.ts';
export { decodeEvent, decodeProfile } from './decode.ts';
export { checkDurability } from './durability.ts';
export { type Erasure, type ErasureNote, eraseAgain, eraseEntity } from './erase.ts';
export { lookUp } from './event-index.ts';
export { keyName } from './first-occurrence.ts';
export { IdentifierHasher } from './identifiers.ts';
export { CHECKPOINTS, type Checkpoint } from './ingest.ts';
export { checkKeyScheme } from './key-scheme.ts';
export { type LogDecision, type OpenedEpoch, openLog, rewindLog } from './log-commands.ts';
export {
  checkExtents,
  checkPartitions,
  currentLog,
  type MeteredLog,
  openLogs,
  readLogs,
  settingFaults,
} from './logs.ts';
export { partsOf, positionOf } from './position.ts';
export { type ReplayReport, replay } from './replay.ts';
export { checkRestored, isRestoring, RESTORING_TABLE } from './restoring.ts';
export { readSchemaTopic } from './schema-topic.ts';
export { WIDENING_STEPS, type WideningStep, widenLog } from './widen.ts';
export { type WriteRecordsOptions, writeRecords } from './write-records.ts';
