// The embedded stack: the real Kafka and ClickHouse without containers, and the supervisor that keeps processes alive.

export { backupsDir, enginesIn, localCluster } from './clickhouse/engine.ts';
export { LocalStackError, type LocalStackErrorCode } from './errors.ts';
export type { LocalEvent } from './events.ts';
export { brokerJars } from './kafka/broker-jars.ts';
export { resolvePorts } from './ports.ts';
export { type LocalBroker, type LocalOptions, type LocalStack, startLocalStack } from './stack.ts';
export { type StartingChild, type Supervised, type SuperviseOptions, supervise } from './supervise.ts';
