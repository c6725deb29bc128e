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
  /** Native ports of all engines, this one's among them, in the order of the shards; one alone is no cluster. */
  tcpPorts: readonly number[];
  httpPort: number;
  tcpPort: number;
  /** Of the machine's memory, 0 to 1. */
  memoryRatioMax: number;
  /** The data directory's lock, which the engine holds with us. */
  lockFd: number;
  /** Default 15 s. */
  restartWaitMsMax: number | undefined;
  onEvent: OnEvent;
}

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

/** What the engine of a shard, 0, 1, …, and its directory are called. */
export function engineName(shard: number): string {
  return shard === 0 ? 'clickhouse' : `clickhouse-${shard + 1}`;
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
      join(import.meta.dirname, 'host.ts'),
      `--path=${join(home, 'data')}`,
      `--http_port=${options.httpPort}`,
      `--tcp_port=${options.tcpPort}`,
      '--listen_host=127.0.0.1',
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

function configXml({ dataDir, name, tcpPorts, memoryRatioMax }: EngineOptions): string {
  return `<clickhouse>
  <logger>
    <log>${xmlText(join(dataDir, 'logs', `${name}.log`))}</log>
    <size>10M</size>
    <count>3</count>
  </logger>
  <max_server_memory_usage_to_ram_ratio>${memoryRatioMax}</max_server_memory_usage_to_ram_ratio>
  <!-- The defaults are for a machine of its own: 16 threads of merges and caches of several GiB. -->
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <mark_cache_size>268435456</mark_cache_size>
  <keep_alive_timeout>30</keep_alive_timeout>
  <backups><allowed_path>${xmlText(backupsDir(dataDir))}</allowed_path></backups>
${tcpPorts.length > 1 ? clustersXml(tcpPorts) : ''}</clickhouse>
`;
}

/** A cluster for every number of shards there may be, so that a database of more can be made beside one of fewer. */
function clustersXml(tcpPorts: readonly number[]): string {
  const clusters = tcpPorts.map((_, index) => {
    const shards = tcpPorts
      .slice(0, index + 1)
      .map((port) => `      <shard><replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`);
    const name = localCluster(shards.length);
    return `    <${name}>\n${shards.join('\n')}\n    </${name}>`;
  });
  return `  <remote_servers>\n${clusters.join('\n')}\n  </remote_servers>\n`;
}

/** What the cluster of the first engines is called, see `clustersXml`. */
export function localCluster(shards: number): string {
  return `tally_${shards}`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
