/**
 * Tally's own services as supervised processes of one machine.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type LocalEvent, type Supervised, supervise } from '@tally/local';
import { type ClickHouseOptions, clickhouseEnvironment } from '@tally/platform/clickhouse';
import { SERVICE_EXIT } from '@tally/platform/shutdown';
import type { Secrets } from './instance.ts';

export interface ServiceOptions {
  dataDir: string;
  kafka: string;
  clickhouse: ClickHouseOptions;
  secrets: Secrets;
  apiPort: number;
  gatewayPort: number;
  consumers: number;
  aggregateCron: string;
  onEvent: (event: LocalEvent) => void;
}

/** A service with the name it has for people; the consumers share one. */
export interface Service {
  name: string;
  supervised: Supervised;
  /** Address of its HTTP server, once it is ready. */
  url: () => string;
}

const RESTART = { waitMsFirst: 200, waitMsMax: 30_000, healthyAfterMs: 10_000, refusedExitCode: SERVICE_EXIT.refused };
const READY_POLL_MS = 50;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** The services in the order they start; they stop in the same order, so that no event is left half-way. */
export function createServices(options: ServiceOptions): Service[] {
  const { secrets, apiPort, gatewayPort, consumers, aggregateCron } = options;
  const one = (name: string, env: Record<string, string>, instance = name): Service =>
    createService(options, { name, instance, env });
  return [
    one('gateway', { TALLY_GATEWAY_PORT: String(gatewayPort), TALLY_ADMIN_KEY: secrets.adminKey }),
    ...Array.from({ length: consumers }, (_, index) =>
      one(
        'consumer',
        { TALLY_CONSUMER_PORT: '0', TALLY_IDENTIFIER_SECRET: secrets.identifierSecret },
        `consumer-${index + 1}`,
      ),
    ),
    one('aggregator', { TALLY_AGGREGATOR_PORT: '0', TALLY_AGGREGATE_CRON: aggregateCron }),
    one('api', { TALLY_API_PORT: String(apiPort), TALLY_ADMIN_KEY: secrets.adminKey }),
    // Last, so that what the others have brought about is still told. Its targets’ secrets, its mail server and the
    // networks it may reach are in this process's environment, which every service has.
    one('notifier', { TALLY_NOTIFIER_PORT: '0' }),
  ];
}

function createService(
  { dataDir, kafka, clickhouse, onEvent }: ServiceOptions,
  { name, instance, env }: { name: string; instance: string; env: Record<string, string> },
): Service {
  const logDir = join(dataDir, 'logs');
  const readyFile = join(dataDir, 'run', `${instance}.json`);
  mkdirSync(logDir, { recursive: true });
  mkdirSync(dirname(readyFile), { recursive: true });
  rmSync(readyFile, { force: true });
  const main = fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url));
  const supervised = supervise({
    name: instance,
    command: process.execPath,
    args: ['--disable-warning=TimeoutNegativeWarning', main],
    env: {
      ...env,
      TALLY_SUPERVISED: '1',
      TALLY_READY_FILE: readyFile,
      TALLY_KAFKA: kafka,
      ...clickhouseEnvironment(clickhouse),
    },
    logFile: join(logDir, `${instance}.log`),
    ready: ({ signal }) => waitForFile(readyFile, signal),
    readyTimeoutMs: READY_TIMEOUT_MS,
    restart: RESTART,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onEvent: (event) => {
      if (event.kind === 'exited') rmSync(readyFile, { force: true });
      onEvent(event);
    },
  });
  return { name, supervised, url: () => (JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string }).url };
}

async function waitForFile(file: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(file)) await sleep(READY_POLL_MS, undefined, { signal });
}
