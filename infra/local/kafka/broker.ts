// The real Kafka broker: one JVM that is broker and KRaft controller at once.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
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
  port: number;
  controllerPort: number;
  heapMiBMax: number;
  /** Class data to start with, see class-data.ts; or the file that it is to be written to when the broker ends. */
  classData: { use: string } | { write: string } | undefined;
  /** The data directory's lock, which the JVM holds with us. */
  lockFd: number;
  /** Default 30 s. */
  restartWaitMsMax: number | undefined;
  onEvent: OnEvent;
}

/** The broker's storage, in its working directory. */
const DATA = 'data';
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** The archive is written at the broker's end. */
const STOP_TIMEOUT_WRITING_MS = 60_000;
const PROBE_PAUSE_MS = 50;

/**
 * Writes the broker's configuration, formats its storage if it is new, and prepares its supervision.
 * @throws LocalStackError KAFKA_DID_NOT_START if formatting fails
 */
export async function prepareBroker(options: BrokerOptions): Promise<Supervised> {
  const home = join(options.dataDir, 'kafka');
  const properties = join(home, 'server.properties');
  mkdirSync(home, { recursive: true });
  writeFileSync(properties, serverProperties(options));
  // The file is the last thing that formatting writes, and each run of the tool costs a JVM's start.
  if (!existsSync(join(home, DATA, 'meta.properties'))) await format(options, properties);
  return supervise({
    name: 'kafka',
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

function outputLog({ dataDir }: BrokerOptions): string {
  return join(dataDir, 'logs', 'kafka.out.log');
}

function javaArgs({ dataDir, heapMiBMax, classData }: BrokerOptions, mainClass: string, args: string[]): string[] {
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
  // Written into the storage, so it stays the same for as long as the data does. A letter first: the tool would take an
  // id that begins with a dash for an option.
  const clusterId = `T${randomBytes(16).toString('base64url').slice(1)}`;
  const logFile = outputLog(options);
  const logFrom = logSize(logFile);
  const log = openSync(logFile, 'a');
  // It ends before the broker does, and may not write in its place.
  const formatting = writesClassData(options) ? { ...options, classData: undefined } : options;
  const args = ['format', '-t', clusterId, '-c', properties, '--ignore-formatted'];
  const child = spawn(options.java, javaArgs(formatting, 'kafka.tools.StorageTool', args), {
    cwd: join(options.dataDir, 'kafka'),
    detached: true,
    stdio: ['pipe', log, log, options.lockFd],
  });
  closeSync(log);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  child.once('error', reject);
  if ((await promise) === 0) return;
  throw new LocalStackError(
    'KAFKA_DID_NOT_START',
    `Kafka's storage could not be formatted: ${lastLogLine(logFile, logFrom) ?? 'no reason given'} (log: ${logFile})`,
  );
}

/** Ports are written anew at every start, so what clients are told follows the port of this run. */
function serverProperties({ port, controllerPort }: BrokerOptions): string {
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    // Relative to the working directory: a comma in a path would make it two, a backslash an escape.
    'log.dirs': DATA,

    // One broker: nothing can have a second replica.
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
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
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
