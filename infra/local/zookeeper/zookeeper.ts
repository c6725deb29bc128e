// The real ZooKeeper, a server alone: where replicas of ClickHouse agree on what each of them has.

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OnEvent } from '../events.ts';
import { classPath, jarsDir } from '../kafka/jars.ts';
import { type Supervised, supervise } from '../supervise.ts';
import { zookeeperJarsDir } from './jars.ts';

export interface ZookeeperOptions {
  dataDir: string;
  java: string;
  port: number;
  /** The data directory's lock, which the JVM holds with us. */
  lockFd: number;
  /** Default 15 s. */
  restartWaitMsMax: number | undefined;
  onEvent: OnEvent;
}

const NAME = 'zookeeper';
const HEAP_MIB_MAX = 128;
/** A session lasts between 2 and 20 of these without a word from its client. */
const TICK_MS = 1_000;
const READY_TIMEOUT_MS = 60_000;
const PROBE_PAUSE_MS = 50;
const ANSWER_MS_MAX = 2_000;

/** Writes the configuration and prepares the supervision. */
export function prepareZookeeper(options: ZookeeperOptions): Supervised {
  const { dataDir, java, port, lockFd } = options;
  const home = join(dataDir, NAME);
  const config = join(home, 'zoo.cfg');
  mkdirSync(join(home, 'data'), { recursive: true });
  writeFileSync(config, zooCfg(join(home, 'data'), port));
  return supervise({
    name: NAME,
    command: java,
    args: [
      `-Xmx${HEAP_MIB_MAX}m`,
      '-XX:TieredStopAtLevel=1',
      '-XX:+ExitOnOutOfMemoryError',
      '-XX:-UsePerfData',
      '-Djava.awt.headless=true',
      // Each insert is a dozen entries of its log. They outlive the process without a sync each, not the machine.
      '-Dzookeeper.forceSync=no',
      `-Dlog4j2.configurationFile=${join(import.meta.dirname, '../kafka/log4j2.xml')}`,
      `-Dtally.log.dir=${join(dataDir, 'logs')}`,
      `-Dtally.log.name=${NAME}`,
      '-cp',
      // The broker's come first: they have the log's binding and the parent watch.
      [classPath(jarsDir()), join(zookeeperJarsDir(), '*')].join(':'),
      'ParentWatch',
      'org.apache.zookeeper.server.ZooKeeperServerMain',
      config,
    ],
    cwd: home,
    logFile: join(dataDir, 'logs', `${NAME}.out.log`),
    inheritFd: lockFd,
    ready: async ({ signal }) => {
      while (!(await serves(port))) await sleep(PROBE_PAUSE_MS, undefined, { signal });
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    restart: { waitMsFirst: 200, waitMsMax: options.restartWaitMsMax ?? 15_000, healthyAfterMs: 60_000 },
    onEvent: options.onEvent,
  });
}

function zooCfg(dataDir: string, port: number): string {
  const lines = {
    tickTime: TICK_MS,
    dataDir,
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': 'srvr',
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Whether it answers and has read its data. */
function serves(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let said = '';
    const finish = () => {
      socket.destroy();
      resolve(said.includes('Mode: standalone'));
    };
    socket.setTimeout(ANSWER_MS_MAX, finish);
    socket.once('error', finish);
    socket.once('close', finish);
    socket.once('connect', () => socket.write('srvr'));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
  });
}
