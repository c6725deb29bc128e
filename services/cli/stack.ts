/**
 * Everything on one machine: the embedded Kafka and ClickHouse, the tables and topics, every service.
 */
import { enginesIn, type LocalEvent, resolvePorts, startLocalStack } from '@tally/local';
import { createLog } from '@tally/platform/log';
import { goOnFrom, refuseMissingDatabase, serversOf } from './database.ts';
import { clusterOf, DATABASE, type Instance, removeInstance, secretsOf, writeInstance } from './instance.ts';
import { migrate } from './migrate.ts';
import { createServices, type Service } from './services.ts';

export interface StackOptions {
  dataDir: string;
  apiPort: number;
  gatewayPort: number;
  kafkaPort: number;
  clickhousePort: number;
  /** The database of ClickHouse to run on; the consumers go on after what it holds. Default `DATABASE`, as they stopped. */
  database?: string | undefined;
  /** Servers of ClickHouse. Default: as many as the directory has, at first one. */
  shards?: number | undefined;
  consumers: number;
  /** Of one Kafka cluster; a data directory keeps its number. */
  brokers: number;
  /** Partitions of each metered topic; only the first start on a directory uses it. */
  partitions: number;
  aggregateCron: string;
  /** Progress and supervision. */
  onEvent: (event: LocalEvent) => void;
}

export interface Stack {
  instance: () => Instance;
  stop: () => Promise<void>;
}

/** Starts all of it; when it cannot, nothing is left running. Throws LocalStackError or TallyError. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, onEvent, database = DATABASE } = options;
  const [apiPort = 0, gatewayPort = 0] = await resolvePorts([
    { option: '--api-port', port: options.apiPort },
    { option: '--gateway-port', port: options.gatewayPort },
  ]);
  const local = await startLocalStack({
    dataDir,
    kafkaPort: options.kafkaPort,
    clickhouseHttpPort: options.clickhousePort,
    brokers: options.brokers,
    shards: options.shards ?? enginesIn(dataDir),
    onEvent,
  });
  const services: Service[] = [];
  const stop = async (): Promise<void> => {
    removeInstance(dataDir);
    for (const { supervised } of services) await supervised.stop();
    await local.stop();
  };
  try {
    const secrets = secretsOf(dataDir);
    await refuseMissingDatabase(local.clickhouseUrl, database);
    const servers = await serversOf(local.clickhouseShards, database);
    const clickhouse = { url: local.clickhouseUrl, database, ...clusterOf(servers) };
    await migrate({
      brokers: [local.kafka],
      topicPrefix: '',
      partitions: options.partitions,
      clickhouse,
      log: createLog('migrate', 'error'),
    });
    if (options.database !== undefined) await goOnFrom(local.kafka, clickhouse);
    const instance = (): Instance => ({
      api: `http://127.0.0.1:${apiPort}`,
      gateway: `http://127.0.0.1:${gatewayPort}`,
      kafka: local.kafka,
      clickhouse: local.clickhouseUrl,
      engines: local.clickhouseShards,
      shards: servers.length > 1 ? [...servers] : [],
      database,
      adminKey: secrets.adminKey,
      pids: { ...local.pids(), ...pidsOf(services) },
    });
    services.push(
      ...createServices({
        dataDir,
        kafka: local.kafka,
        clickhouse,
        secrets,
        apiPort,
        gatewayPort,
        consumers: options.consumers,
        aggregateCron: options.aggregateCron,
        onEvent: (event) => {
          if (event.kind === 'ready') writeInstance(dataDir, instance());
          onEvent(event);
        },
      }),
    );
    // Before all are ready: what a service refuses to start for is mended by commands that need Kafka and ClickHouse.
    writeInstance(dataDir, instance());
    await Promise.all(services.map(({ supervised }) => supervised.start()));
    return { instance, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function pidsOf(services: readonly Service[]): Record<string, number[]> {
  const pids: Record<string, number[]> = {};
  for (const { name, supervised } of services) {
    const pid = supervised.pid();
    const known = pids[name] ?? [];
    if (pid !== undefined) known.push(pid);
    pids[name] = known;
  }
  return pids;
}
