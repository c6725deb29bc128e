// The real Kafka broker: a JVM that is broker and KRaft controller at once; several of them are one cluster.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError } from '../errors.ts';
import type { OnEvent } from '../events.ts';
import { lastLogLine, logSize } from '../log-file.ts';
import { type Supervised, supervise } from '../supervise.ts';
import { classPath, jarsDir } from './jars.ts';
import { brokerServes } from './probe.ts';

export interface BrokerOptions {
  dataDir: string;
  java: string;
  /** 1 for the first or only one. */
  nodeId: number;
  port: number;
  /** Of every broker of the cluster, by node id from 1. */
  controllerPorts: readonly number[];
  /** Written into the storage, so it stays the same for as long as the data does. */
  clusterId: string;
  /** A second port for clients, with TLS and SASL. */
  secured: (SecuredListener & { port: number }) | undefined;
  heapMiBMax: number;
  /** Class data to start with, see class-data.ts; or the file that it is to be written to when the broker ends. */
  classData: { use: string } | { write: string } | undefined;
  /** The data directory's lock, which the JVM holds with us. */
  lockFd: number;
  /** Default 30 s. */
  restartWaitMsMax: number | undefined;
  onEvent: OnEvent;
}

/** A listener for clients that know who the broker is and say who they are. */
export interface SecuredListener {
  /** The broker's certificates and its key (PKCS #8), PEM. */
  keyStore: string;
  /** Who may have signed the certificates of clients, PEM; then each must have one. */
  clientCa?: string;
  /** Known to SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN from the first start on. */
  user: string;
  password: string;
}

/** The broker's storage, in its working directory. */
const DATA = 'data';
/** Of each record. */
const COPIES_MAX = 3;
/** Long: a broker that recovers its log on a busy machine would only begin anew when it is killed. */
const READY_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 10_000;
/** The archive is written at the broker's end. */
const STOP_TIMEOUT_WRITING_MS = 60_000;
const PROBE_PAUSE_MS = 50;

/**
 * Writes the broker's configuration, formats its storage if it is new, and prepares its supervision.
 * @throws LocalStackError KAFKA_DID_NOT_START if formatting fails
 */
export async function prepareBroker(options: BrokerOptions): Promise<Supervised> {
  const home = brokerHome(options);
  const properties = join(home, 'server.properties');
  mkdirSync(home, { recursive: true });
  if (options.secured) writeCertificates(home, options.secured);
  writeFileSync(properties, serverProperties(options));
  // The file is the last thing that formatting writes, and each run of the tool costs a JVM's start.
  if (!existsSync(join(home, DATA, 'meta.properties'))) await format(options, properties);
  return supervise({
    name: brokerName(options.nodeId),
    command: options.java,
    args: javaArgs(options, 'kafka.Kafka', [properties]),
    cwd: home,
    logFile: outputLog(options),
    inheritFd: options.lockFd,
    ready: async ({ signal }) => {
      while (!(await brokerServes(options.port))) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS));
      }
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    restart: { waitMsFirst: 500, waitMsMax: options.restartWaitMsMax ?? 30_000, healthyAfterMs: 60_000 },
    stopTimeoutMs: writesClassData(options) ? STOP_TIMEOUT_WRITING_MS : STOP_TIMEOUT_MS,
    onEvent: options.onEvent,
  });
}

/** What people know a broker by; the first one's is that of an only one. */
export function brokerName(nodeId: number): string {
  return nodeId === 1 ? 'kafka' : `kafka-${nodeId}`;
}

function brokerHome({ dataDir, nodeId }: Pick<BrokerOptions, 'dataDir' | 'nodeId'>): string {
  return join(dataDir, brokerName(nodeId));
}

/** The cluster that a data directory is of, or undefined for a new one. */
export function knownClusterId(dataDir: string): string | undefined {
  const file = join(brokerHome({ dataDir, nodeId: 1 }), DATA, 'meta.properties');
  return existsSync(file) ? /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
}

/** How many brokers a data directory is of; 0 for a new one. */
export function knownBrokers(dataDir: string): number {
  let brokers = 0;
  while (existsSync(join(brokerHome({ dataDir, nodeId: brokers + 1 }), DATA, 'meta.properties'))) brokers++;
  return brokers;
}

const OWNER_ONLY = 0o600;
const KEY_STORE = 'key-store.pem';
const CLIENT_CA = 'client-ca.pem';

function writeCertificates(home: string, { keyStore, clientCa }: SecuredListener): void {
  writeFileSync(join(home, KEY_STORE), keyStore, { mode: OWNER_ONLY });
  if (clientCa !== undefined) writeFileSync(join(home, CLIENT_CA), clientCa, { mode: OWNER_ONLY });
}

function outputLog({ dataDir, nodeId }: BrokerOptions): string {
  return join(dataDir, 'logs', `${brokerName(nodeId)}.out.log`);
}

function javaArgs(
  { dataDir, nodeId, heapMiBMax, classData }: BrokerOptions,
  mainClass: string,
  args: string[],
): string[] {
  return [
    `-Xms${Math.min(256, heapMiBMax)}m`,
    `-Xmx${heapMiBMax}m`,
    // Without the optimising compiler: for the first half million records it takes more time than it saves (5 s of CPU
    // against 8 s for 150,000 records in 3,000 requests), at the start most of all.
    '-XX:TieredStopAtLevel=1',
    ...classDataFlags(classData),
    // A broker without memory limps on; a dead one is started again.
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.xml')}`,
    `-Dtally.log.dir=${join(dataDir, 'logs')}`,
    `-Dtally.log.name=${brokerName(nodeId)}`,
    '-cp',
    classPath(jarsDir()),
    'ParentWatch',
    mainClass,
    ...args,
  ];
}

function classDataFlags(classData: BrokerOptions['classData']): string[] {
  if (classData === undefined) return [];
  return [
    'use' in classData ? `-XX:SharedArchiveFile=${classData.use}` : `-XX:ArchiveClassesAtExit=${classData.write}`,
  ];
}

function writesClassData({ classData }: BrokerOptions): boolean {
  return classData !== undefined && 'write' in classData;
}

async function format(options: BrokerOptions, properties: string): Promise<void> {
  options.onEvent({ service: 'kafka', kind: 'preparing', detail: 'formatting new storage' });
  const logFile = outputLog(options);
  const logFrom = logSize(logFile);
  const log = openSync(logFile, 'a');
  // It ends before the broker does, and may not write in its place.
  const formatting = writesClassData(options) ? { ...options, classData: undefined } : options;
  const args = ['format', '-t', options.clusterId, '-c', properties, '--ignore-formatted', ...scramUsers(options)];
  const child = spawn(options.java, javaArgs(formatting, 'kafka.tools.StorageTool', args), {
    cwd: brokerHome(options),
    detached: true,
    stdio: ['pipe', log, log, options.lockFd],
  });
  closeSync(log);
  const [exitCode] = await once(child, 'exit');
  if (exitCode === 0) return;
  throw new LocalStackError(
    'KAFKA_DID_NOT_START',
    `Kafka's storage could not be formatted: ${lastLogLine(logFile, logFrom) ?? 'no reason given'} (log: ${logFile})`,
  );
}

/** Passwords that the broker keeps itself are part of its first records. */
function scramUsers({ secured }: BrokerOptions): string[] {
  if (!secured) return [];
  const { user, password } = secured;
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${user},password=${password}]`,
  ]);
}

/** Ports are written anew at every start, so what clients are told follows the port of this run. */
function serverProperties({ nodeId, port, controllerPorts, secured }: BrokerOptions): string {
  const voters = controllerPorts.map((one, index) => `${index + 1}@127.0.0.1:${one}`);
  const clients = [`PLAINTEXT://127.0.0.1:${port}`, ...(secured ? [`SECURED://127.0.0.1:${secured.port}`] : [])];
  const copies = Math.min(COPIES_MAX, voters.length);
  const inSync = copies < COPIES_MAX ? 1 : COPIES_MAX - 1;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': voters.join(','),
    listeners: [...clients, `CONTROLLER://127.0.0.1:${controllerPorts[nodeId - 1]}`].join(','),
    'advertised.listeners': clients.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT',
    ...(secured ? securedSettings(secured) : {}),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    // Relative to the working directory: a comma in a path would make it two, a backslash an escape.
    'log.dirs': DATA,

    // As many copies as there are brokers, up to three; of three, one may be away. One that has not kept up never leads.
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'unclean.leader.election.enable': false,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 4,

    // A misspelt topic is an error. Topics of our own state their retention; nothing else may lose data early, and an
    // offset that expires would make a consumer that was away begin somewhere else.
    'auto.create.topics.enable': false,
    'log.retention.hours': 24 * 365,
    'offsets.retention.minutes': 60 * 24 * 365,

    // Sized for one machine shared with everything else.
    'num.network.threads': 3,
    'num.io.threads': 4,
    'num.recovery.threads.per.data.dir': 2,
    'background.threads': 2,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,

    // Consumers find their partitions at once, and tests may use short sessions.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,

    // A broker started again after it was killed is refused until the session of its former self has run out.
    // Of several, one that is only slow must not lose what it leads.
    'broker.session.timeout.ms': voters.length > 1 ? 6000 : 3000,
    'broker.heartbeat.interval.ms': 500,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Relative to the working directory, as the storage. */
function securedSettings({ clientCa, user, password }: SecuredListener): Record<string, string> {
  const listener = 'listener.name.secured';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${user}="${password}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    [`${listener}.ssl.keystore.type`]: 'PEM',
    [`${listener}.ssl.keystore.location`]: KEY_STORE,
    ...(clientCa === undefined
      ? {}
      : {
          [`${listener}.ssl.truststore.type`]: 'PEM',
          [`${listener}.ssl.truststore.location`]: CLIENT_CA,
          [`${listener}.ssl.client.auth`]: 'required',
        }),
    [`${listener}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${listener}.plain.sasl.jaas.config`]: plain,
    [`${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}
