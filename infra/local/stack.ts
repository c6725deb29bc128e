// The embedded stack: everything is checked first, then Kafka and ClickHouse start side by side and are kept alive.

import { join, resolve } from 'node:path';
import { checkEngine, engineName, prepareEngine } from './clickhouse/engine.ts';
import { LocalStackError, type LocalStackErrorCode, messageOf } from './errors.ts';
import type { OnEvent } from './events.ts';
import type { SecuredListener } from './kafka/broker.ts';
import { classDataArchive } from './kafka/class-data.ts';
import { type Broker, prepareCluster } from './kafka/cluster.ts';
import { fetchJars, jarsAreCached } from './kafka/jars.ts';
import { lockDataDir } from './lock.ts';
import { resolvePorts } from './ports.ts';
import { checkFreeDisk, findJava, findMaven, type JavaRuntime, prepareDataDir } from './preflight.ts';
import type { Supervised } from './supervise.ts';
import { fetchZookeeperJars, zookeeperJarsAreCached } from './zookeeper/jars.ts';
import { prepareZookeeper } from './zookeeper/zookeeper.ts';

export interface LocalOptions {
  /** Made if need be. Holds all data and logs; the same directory goes on where it stopped. */
  dataDir: string;
  /** 0 or absent: any free port, for this and the two below. */
  kafkaPort?: number;
  clickhouseHttpPort?: number;
  clickhouseTcpPort?: number;
  /** Engines of ClickHouse, each with data of its own. Default 1. The ports above are the first one's. */
  shards?: number;
  /**
   * Engines of each shard, which copy from each other and keep a ZooKeeper. Default 1. For tests: more need Linux on x86-64
   * and the one build of the engine that `unlock-replication.ts` knows.
   */
  replicas?: number;
  /** Default 2 GiB. */
  freeDiskBytesMin?: number;
  /** Brokers of one Kafka cluster, 1 to 9; a data directory keeps its number. Default 1. */
  brokers?: number;
  /** A second listener of each broker, with TLS and SASL. */
  kafkaSecured?: SecuredListener;
  /** A broker's heap, default 768; of several, 256. */
  kafkaHeapMiBMax?: number;
  /** Of the machine's memory, for ClickHouse: above 0 and at most 1. Default 0.6. */
  clickhouseMemoryRatioMax?: number;
  /** Longest wait before a service that ended is started again, milliseconds. Default 15,000 for ClickHouse, 30,000 for Kafka. */
  restartWaitMsMax?: number;
  /** Where Java and Maven are looked for. Default: this process's PATH. */
  searchPath?: string;
  /** Progress and supervision. */
  onEvent?: OnEvent;
}

export interface LocalStack {
  dataDir: string;
  /** `host:port`; of several brokers, with commas between. */
  kafka: string;
  /** The same of the listeners with TLS and SASL; empty without. */
  kafkaSecured: string;
  /** The brokers, in the order of their node ids. */
  brokers: readonly LocalBroker[];
  /** `http://127.0.0.1:port` */
  clickhouseUrl: string;
  clickhouseTcpPort: number;
  /** Addresses of all engines, the first as above. */
  clickhouseShards: string[];
  /** Addresses of the engines beside those, which are replicas of theirs: those of each shard in their order, then again. */
  clickhouseReplicas: string[];
  /** Of what runs now; empty while a service is being started again. */
  pids(): Record<'kafka' | 'clickhouse', number[]> & { zookeeper?: number[] };
  /** Ends both in order; resolves when no process is left and the data directory is free. May be called repeatedly. */
  stop(): Promise<void>;
}

export interface LocalBroker {
  /** `kafka`, `kafka-2`, …, as in events. */
  name: string;
  nodeId: number;
  /** `host:port` */
  address: string;
  /** Undefined while it is being started again. */
  pid(): number | undefined;
}

const FREE_DISK_BYTES_MIN = 2 * 1024 ** 3;
const KAFKA_HEAP_MIB_MAX = 768;
/** Of each, where there are several. */
const KAFKA_HEAP_OF_SEVERAL_MIB_MAX = 256;
const BROKERS_MAX = 9;
const CLICKHOUSE_MEMORY_RATIO_MAX = 0.6;

/**
 * Starts Kafka and ClickHouse on a data directory, on 127.0.0.1, and resolves when both answer. If either cannot, no
 * process is left. The first start on a machine fetches the broker with Maven, which takes about a minute.
 * @throws LocalStackError with a code, an exit code and one line for people; all but KAFKA_DOWNLOAD_FAILED and
 *   …_DID_NOT_START come before anything is started
 */
export async function startLocalStack(options: LocalOptions): Promise<LocalStack> {
  const dataDir = resolve(options.dataDir);
  const onEvent = options.onEvent ?? (() => undefined);
  prepareDataDir(dataDir);
  checkFreeDisk(dataDir, options.freeDiskBytesMin ?? FREE_DISK_BYTES_MIN);
  await checkEngine();
  // Before the ports: an instance that has just died may still be letting go of both.
  const lock = await lockDataDir(dataDir);
  const services: Supervised[] = [];
  const stop = once(async () => {
    await Promise.all(services.map((service) => service.stop()));
    lock.release();
  });
  try {
    const { PATH = '' } = process.env;
    const { java, maven } = await checkTools(options.searchPath ?? PATH, options);
    const ports = await choosePorts(options);
    const replicas = options.replicas ?? 1;
    await prepareJars(dataDir, { java, maven }, { zookeeper: replicas > 1 }, onEvent);
    const heapMiBMax =
      options.kafkaHeapMiBMax ?? (ports.kafka.length > 1 ? KAFKA_HEAP_OF_SEVERAL_MIB_MAX : KAFKA_HEAP_MIB_MAX);
    const classData = await classDataArchive({ java, lockFd: lock.fd, heapMiBMax, onEvent });
    const shared = { dataDir, lockFd: lock.fd, onEvent, restartWaitMsMax: options.restartWaitMsMax };
    const shards = ports.clickhouse.length / replicas;
    const tcpPorts = Array.from({ length: shards }, (_, shard) =>
      ports.clickhouse.filter((_, index) => index % shards === shard).map(({ tcp }) => tcp),
    );
    const zookeepers = ports.zookeeper.map((port) => prepareZookeeper({ ...shared, java: java.path, port }));
    services.push(...zookeepers);
    const [zookeeperPort] = ports.zookeeper;
    const engines = ports.clickhouse.map(({ http, tcp }, index) =>
      prepareEngine({
        ...shared,
        name: engineName(index),
        httpPort: http,
        tcpPort: tcp,
        tcpPorts,
        replica:
          zookeeperPort === undefined
            ? undefined
            : { shard: index % shards, replica: Math.floor(index / shards), zookeeperPort },
        memoryRatioMax: (options.clickhouseMemoryRatioMax ?? CLICKHOUSE_MEMORY_RATIO_MAX) / ports.clickhouse.length,
      }),
    );
    services.push(...engines);
    const brokers = await prepareCluster({
      ...shared,
      java: java.path,
      ports: ports.kafka,
      controllerPorts: ports.kafkaController,
      securedPorts: ports.kafkaSecured,
      secured: options.kafkaSecured,
      heapMiBMax,
      classData: classData === undefined ? undefined : { use: classData },
    });
    services.push(...brokers.map(({ supervised }) => supervised));
    await Promise.all(zookeepers.map((zookeeper) => startAs('CLICKHOUSE_DID_NOT_START', zookeeper)));
    await Promise.all([
      ...engines.map((engine) => startAs('CLICKHOUSE_DID_NOT_START', engine)),
      ...brokers.map(({ supervised }) => startAs('KAFKA_DID_NOT_START', supervised)),
    ]);
    const addresses = ports.clickhouse.map(({ http }) => `http://127.0.0.1:${http}`);
    const clickhouseShards = addresses.slice(0, shards);
    return {
      dataDir,
      kafka: brokers.map(({ address }) => address).join(','),
      kafkaSecured: brokers.flatMap(({ securedAddress = [] }) => securedAddress).join(','),
      brokers: brokers.map(localBroker),
      clickhouseUrl: clickhouseShards[0] ?? '',
      clickhouseTcpPort: ports.clickhouse[0]?.tcp ?? 0,
      clickhouseShards,
      clickhouseReplicas: addresses.slice(shards),
      pids: () => ({
        kafka: brokers.flatMap(({ supervised }) => pidsOf(supervised)),
        clickhouse: engines.flatMap(pidsOf),
        ...(zookeepers.length > 0 ? { zookeeper: zookeepers.flatMap(pidsOf) } : {}),
      }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Tools {
  java: JavaRuntime;
  /** Undefined when there is nothing left to fetch. */
  maven: string | undefined;
}

async function checkTools(searchPath: string, { replicas = 1 }: LocalOptions): Promise<Tools> {
  const areCached = jarsAreCached() && (replicas === 1 || zookeeperJarsAreCached());
  return { java: await findJava(searchPath), maven: areCached ? undefined : findMaven(searchPath) };
}

async function choosePorts(options: LocalOptions) {
  const count = Math.min(options.brokers ?? 1, BROKERS_MAX);
  const any = (option: string, times: number) => Array.from({ length: times }, () => ({ option, port: undefined }));
  const { shards = 1, replicas = 1 } = options;
  const further = Array.from({ length: shards * replicas - 1 }, (_, index) => [
    { option: `ClickHouse ${index + 2} over HTTP`, port: undefined },
    { option: `ClickHouse ${index + 2} over its native protocol`, port: undefined },
  ]);
  const ports = await resolvePorts([
    { option: 'Kafka', port: options.kafkaPort },
    ...any('Kafka', count - 1),
    ...any("Kafka's controller", count),
    ...any('Kafka with TLS', count),
    ...any('ZooKeeper', replicas > 1 ? 1 : 0),
    { option: 'ClickHouse over HTTP', port: options.clickhouseHttpPort },
    { option: 'ClickHouse over its native protocol', port: options.clickhouseTcpPort },
    ...further.flat(),
  ]);
  const [kafka, kafkaController, kafkaSecured] = [
    ports.splice(0, count),
    ports.splice(0, count),
    ports.splice(0, count),
  ];
  const zookeeper = ports.splice(0, replicas > 1 ? 1 : 0);
  const clickhouse = Array.from({ length: ports.length / 2 }, (_, index) => ({
    http: ports[2 * index] ?? 0,
    tcp: ports[2 * index + 1] ?? 0,
  }));
  return { kafka, kafkaController, kafkaSecured, zookeeper, clickhouse };
}

async function prepareJars(
  dataDir: string,
  { java, maven }: Tools,
  wanted: { zookeeper: boolean },
  onEvent: OnEvent,
): Promise<void> {
  if (maven === undefined) return;
  const tools = { java: java.path, maven, logFile: join(dataDir, 'logs', 'maven.log') };
  if (!jarsAreCached()) {
    onEvent({ service: 'kafka', kind: 'preparing', detail: 'fetching the Kafka broker with Maven, once' });
    await fetchJars(tools);
  }
  if (!wanted.zookeeper || zookeeperJarsAreCached()) return;
  onEvent({ service: 'zookeeper', kind: 'preparing', detail: 'fetching ZooKeeper with Maven, once' });
  await fetchZookeeperJars(tools);
}

async function startAs(code: LocalStackErrorCode, service: Supervised): Promise<void> {
  try {
    await service.start();
  } catch (error) {
    throw new LocalStackError(code, messageOf(error), error);
  }
}

function localBroker({ name, nodeId, address, supervised }: Broker): LocalBroker {
  return { name, nodeId, address, pid: () => supervised.pid() };
}

function pidsOf(service: Supervised): number[] {
  const pid = service.pid();
  return pid === undefined ? [] : [pid];
}

function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= task();
    return running;
  };
}
