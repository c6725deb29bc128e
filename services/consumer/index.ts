export { type ConsumerConfig, consumerConfig } from './config.ts';
export { type ConsumerOptions, type RunningConsumer, startConsumer } from './consumer.ts';
export { CHECKPOINTS, type Checkpoint } from './ingest.ts';
export { currentLog, type MeteredLog, openLogs, readLogs } from './logs.ts';
export { partsOf, positionOf } from './position.ts';
