/**
 * Kafka and ClickHouse as containers of the images that docker-compose.yml names, for system tests. Where those cannot be
 * pulled, `npm run stand-ins` builds some of the same names.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { IMAGES } from '@tally/containers';
import { resolvePorts } from '@tally/local';
import type { SharedStack } from './stack.ts';

/** Held by every container of a run: the id of the process that started it. */
const OWNER_LABEL = 'tally.test-run';
const START_MS_MAX = 180_000;

/** Throws what Testcontainers throws when there is no Docker, or an image can neither be found nor pulled. */
export async function startContainers(): Promise<SharedStack> {
  // Testcontainers' own reaper is one more image to pull. Without it `stop` removes the containers, `breakOff` those of a
  // run that is broken off, and the next run those of one that was killed.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const { container: docker } = await getContainerRuntimeClient();
  for (const { Id, Labels } of await docker.list()) {
    const owner = Labels[OWNER_LABEL];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await docker.getById(Id).remove({ force: true, v: true });
  }
  const [kafkaPort = 0] = await resolvePorts([{ option: 'Kafka', port: 0 }]);
  const labels = { [OWNER_LABEL]: String(process.pid) };
  for (const signal of BREAKS_OFF) process.once(signal, breakOff);
  const starting = [
    new GenericContainer(IMAGES.clickhouse)
      .withLabels(labels)
      // Each test file makes its database as `default`, on a server that ends with the run.
      .withEnvironment({ CLICKHOUSE_SKIP_USER_SETUP: '1' })
      .withExposedPorts(CLICKHOUSE_PORT)
      .withWaitStrategy(Wait.forHttp('/ping', CLICKHOUSE_PORT))
      .withStartupTimeout(START_MS_MAX)
      .start(),
    new GenericContainer(IMAGES.kafka)
      .withLabels(labels)
      .withEnvironment(brokerEnvironment(kafkaPort))
      // Chosen beforehand: the broker tells its clients where it is.
      .withExposedPorts({ container: KAFKA_PORT, host: kafkaPort })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .withStartupTimeout(START_MS_MAX)
      .start(),
  ] as const;
  const stop = async (): Promise<void> => {
    for (const one of await Promise.allSettled(starting)) if (one.status === 'fulfilled') await one.value.stop();
    for (const signal of BREAKS_OFF) process.off(signal, breakOff);
  };
  try {
    const [clickhouse] = await Promise.all(starting);
    const port = clickhouse.getMappedPort(CLICKHOUSE_PORT);
    const clickhouseUrl = `http://127.0.0.1:${port}`;
    return { kafka: `127.0.0.1:${kafkaPort}`, clickhouseUrl, clickhouseShards: [], clickhouseReplicas: [], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const BREAKS_OFF = ['SIGINT', 'SIGTERM'] as const;

/** The process ends and waits for nothing: a program of its own does it. Where there is none, the next run does. */
function breakOff(signal: NodeJS.Signals): void {
  const mine = spawnSync('docker', ['ps', '--all', '--quiet', '--filter', `label=${OWNER_LABEL}=${process.pid}`]);
  const ids = String(mine.stdout)
    .split('\n')
    .filter((id) => id !== '');
  if (ids.length > 0) spawnSync('docker', ['rm', '--force', '--volumes', ...ids]);
  // Then it ends as it would have without this.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

const CLICKHOUSE_PORT = 8_123;
const KAFKA_PORT = 9_092;

/** What the embedded broker is set to (infra/local/kafka/broker.ts), in the image's way. */
function brokerEnvironment(port: number): Record<string, string> {
  return {
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_NODE_ID: '1',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_LISTENERS: `PLAINTEXT://:${KAFKA_PORT},CONTROLLER://:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LOG_DIRS: '/var/lib/kafka/data',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '8',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
    KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: String(16 * 1024 * 1024),
    KAFKA_HEAP_OPTS: '-Xms256m -Xmx768m',
  };
}
