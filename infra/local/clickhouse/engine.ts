// The real ClickHouse engine, as a server: clickhouse-local told to listen, and to read its standard input for ever.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStackError, messageOf } from '../errors.ts';
import type { OnEvent } from '../events.ts';
import { type Supervised, supervise } from '../supervise.ts';

export interface EngineOptions {
  dataDir: string;
  /** Of this engine, in supervision, and of its directory and logs under `dataDir`. */
  name: string;
  /** Native ports of all engines, this one's among them, by shard; one alone is no cluster. */
  tcpPorts: readonly (readonly number[])[];
  httpPort: number;
  tcpPort: number;
  /** Of an engine whose shard has several. */
  replica: ReplicaOptions | undefined;
  /** Of the machine's memory, 0 to 1. */
  memoryRatioMax: number;
  /** The data directory's lock, which the engine holds with us. */
  lockFd: number;
  /** Default 15 s. */
  restartWaitMsMax: number | undefined;
  onEvent: OnEvent;
}

export interface ReplicaOptions {
  shard: number;
  replica: number;
  zookeeperPort: number;
}

/** Where replicas fetch parts from each other, on the port that queries are answered on at 127.0.0.1. */
const REPLICA_HOST = '127.0.0.2';
/** How long a replica that is gone counts as one that is there, at most. */
const ZOOKEEPER_SESSION_MS = 6_000;

const SERVE = [
  'SYSTEM START LISTEN HTTP',
  'SYSTEM START LISTEN TCP',
  "SELECT count() FROM file('stdin', 'LineAsString', 'line String') FORMAT Null",
].join('; ');

const PROBE_PAUSE_MS = 20;

/** @throws LocalStackError CLICKHOUSE_MISSING if the engine's library is not installed for this machine, as in the image */
export async function checkEngine(): Promise<void> {
  try {
    const { libchdbPath } = await import('chdb/libchdb');
    libchdbPath();
    await import('ffi-rs');
  } catch (error) {
    const reason = messageOf(error).split('\n', 1)[0];
    throw new LocalStackError(
      'CLICKHOUSE_MISSING',
      `The ClickHouse engine is not installed (${reason}); run npm ci.`,
      error,
    );
  }
}

/** Where the engine of a data directory may write backups, and read them. */
export function backupsDir(dataDir: string): string {
  return join(dataDir, 'clickhouse', 'backups');
}

/** Engines that have data in a directory, at least one. */
export function enginesIn(dataDir: string): number {
  let engines = 1;
  while (existsSync(join(dataDir, engineName(engines)))) engines++;
  return engines;
}

/** What an engine, 0, 1, …, and its directory are called: those of the shards in their order, then their further replicas. */
export function engineName(engine: number): string {
  return engine === 0 ? 'clickhouse' : `clickhouse-${engine + 1}`;
}

/** Writes the engine's configuration and prepares its supervision. */
export function prepareEngine(options: EngineOptions): Supervised {
  const home = join(options.dataDir, options.name);
  const config = join(home, 'config.xml');
  mkdirSync(home, { recursive: true });
  writeFileSync(config, configXml(options));
  return supervise({
    name: options.name,
    command: process.execPath,
    args: [
      ...hostArgs(options),
      `--path=${join(home, 'data')}`,
      `--http_port=${options.httpPort}`,
      `--tcp_port=${options.tcpPort}`,
      `--config-file=${config}`,
      // The level in the configuration counts for the server only; without this one, everything is traced.
      '--log-level=information',
      '--query',
      SERVE,
    ],
    // Where it writes core dumps and the like.
    cwd: home,
    logFile: join(options.dataDir, 'logs', `${options.name}.out.log`),
    inheritFd: options.lockFd,
    ready: async ({ signal }) => {
      while (!(await answers(options.httpPort, signal))) await sleep(PROBE_PAUSE_MS, undefined, { signal });
    },
    restart: { waitMsFirst: 200, waitMsMax: options.restartWaitMsMax ?? 15_000, healthyAfterMs: 60_000 },
    // SIGTERM would end it at once; the end of its input lets it finish what it is doing. It then waits 5 s for clients
    // that keep connections open, which nobody needs: whatever it has acknowledged survives its being killed.
    stopBy: 'stdin-end',
    stopTimeoutMs: 2_500,
    onEvent: options.onEvent,
  });
}

function hostArgs({ name, httpPort, replica }: EngineOptions): string[] {
  if (replica === undefined) return [join(import.meta.dirname, 'host.ts')];
  return [join(import.meta.dirname, 'replica-host.ts'), REPLICA_HOST, String(httpPort), name];
}

async function answers(httpPort: number, signal: AbortSignal): Promise<boolean> {
  try {
    // A connection kept open would delay the engine's end.
    const headers = { connection: 'close' };
    const response = await fetch(`http://127.0.0.1:${httpPort}/?query=SELECT+1`, { headers, signal });
    return (await response.text()) === '1\n';
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}

function configXml({ dataDir, name, tcpPorts, memoryRatioMax, replica }: EngineOptions): string {
  return `<clickhouse>
  <logger>
    <log>${xmlText(join(dataDir, 'logs', `${name}.log`))}</log>
    <size>10M</size>
    <count>3</count>
  </logger>
  <listen_host>127.0.0.1</listen_host>
  <max_server_memory_usage_to_ram_ratio>${memoryRatioMax}</max_server_memory_usage_to_ram_ratio>
  <!-- The defaults are for a machine of its own: 16 threads of merges and caches of several GiB. -->
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <mark_cache_size>268435456</mark_cache_size>
  <keep_alive_timeout>30</keep_alive_timeout>
  <backups><allowed_path>${xmlText(backupsDir(dataDir))}</allowed_path></backups>
${tcpPorts.length > 1 ? clustersXml(tcpPorts) : ''}${replica === undefined ? '' : replicaXml(replica)}</clickhouse>
`;
}

/** A cluster for every number of shards there may be, so that a database of more can be made beside one of fewer. */
function clustersXml(tcpPorts: readonly (readonly number[])[]): string {
  const shards = tcpPorts.map((ports) => {
    const replicas = ports.map((port) => `<replica><host>127.0.0.1</host><port>${port}</port></replica>`);
    const once = ports.length > 1 ? '<internal_replication>true</internal_replication>' : '';
    return `      <shard>${once}${replicas.join('')}</shard>\n`;
  });
  const clusters = shards.map((_, index) => {
    const name = localCluster(index + 1);
    return `    <${name}>\n${shards.slice(0, index + 1).join('')}    </${name}>\n`;
  });
  return `  <remote_servers>\n${clusters.join('')}  </remote_servers>\n`;
}

function replicaXml({ shard, replica, zookeeperPort }: ReplicaOptions): string {
  return `  <listen_host>${REPLICA_HOST}</listen_host>
  <macros><shard>${shard}</shard><replica>${replica}</replica></macros>
  <zookeeper>
    <node><host>127.0.0.1</host><port>${zookeeperPort}</port></node>
    <session_timeout_ms>${ZOOKEEPER_SESSION_MS}</session_timeout_ms>
  </zookeeper>
`;
}

/** What the cluster of the first engines is called, see `clustersXml`. */
export function localCluster(shards: number): string {
  return `tally_${shards}`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
