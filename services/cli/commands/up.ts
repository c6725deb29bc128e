import { resolve } from 'node:path';
import type { LocalEvent } from '@tally/local';
import { Command } from 'commander';
import { databaseName, dataOption, jsonOption, SHARDS_MAX, whole } from '../options.ts';
import { startStack } from '../stack.ts';
import { listenForStop } from '../until-stopped.ts';

const PORT_MAX = 65_535;

interface UpOptions {
  data: string;
  apiPort: number;
  gatewayPort: number;
  kafkaPort: number;
  clickhousePort: number;
  database?: string;
  shards?: number;
  consumers: number;
  brokers: number;
  partitions: number;
  aggregateCron: string;
  json: boolean;
}

/** `tally up`: everything on this machine, until it is stopped. */
export function upCommand(): Command {
  return new Command('up')
    .description('start the embedded Kafka and ClickHouse and every service, until Ctrl-C')
    .addOption(dataOption())
    .option('--api-port <port>', 'port of the api, 0 for any free one', whole(0, PORT_MAX), 8080)
    .option('--gateway-port <port>', 'port of the gateway, 0 for any free one', whole(0, PORT_MAX), 8081)
    .option('--kafka-port <port>', 'port of Kafka, 0 for any free one', whole(0, PORT_MAX), 9092)
    .option('--clickhouse-port <port>', 'HTTP port of ClickHouse, 0 for any free one', whole(0, PORT_MAX), 8123)
    .option('--database <name>', 'database of ClickHouse, such as one that `tally rebuild` made', databaseName)
    .option('--shards <n>', 'servers of ClickHouse; a new database is spread over all of them', whole(1, SHARDS_MAX))
    .option('--consumers <n>', 'consumer processes', whole(1, 64), 1)
    .option('--brokers <n>', 'Kafka brokers of one cluster; a data directory keeps its number', whole(1, 9), 1)
    .option('--partitions <n>', 'partitions of each metered topic, at the first start', whole(1, 1024), 8)
    .option('--aggregate-cron <expression>', 'when the aggregator runs, UTC', '*/15 * * * * *')
    .addOption(jsonOption())
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const { stopped } = listenForStop();
  const { json, data, ...rest } = options;
  const stack = await startStack({
    ...rest,
    dataDir: resolve(data),
    onEvent: (event) => {
      if (event.kind === 'refused') printRefusal(event);
      else if (!json) printEvent(event);
    },
  });
  const instance = stack.instance();
  if (json) process.stdout.write(`${JSON.stringify({ ready: true, ...instance })}\n`);
  else process.stdout.write(welcome(instance, data));
  const reason = await stopped;
  if (!json) process.stdout.write(`\nstopping (${reason}) …\n`);
  await stack.stop();
  // Timers of clients that are closed already must not keep the process.
  process.exit(0);
}

function printEvent({ service, kind, detail, waitMs }: LocalEvent): void {
  if (kind === 'stopped') return;
  const wait = waitMs === undefined ? '' : ` in ${(waitMs / 1000).toFixed(1)} s`;
  process.stderr.write(`${service.padEnd(12)} ${kind}${wait}${detail ? `: ${detail}` : ''}\n`);
}

/** What a service waits for a person to do; said with `--json` too, since nothing is ready before it is done. */
function printRefusal({ service, detail = '' }: LocalEvent): void {
  process.stderr.write(`\n${service} refuses to start and tries again: ${detail}\n\n`);
}

function welcome(
  instance: { api: string; gateway: string; kafka: string; clickhouse: string; adminKey: string },
  data: string,
): string {
  const month = new Date().toISOString().slice(0, 7);
  return `
Tally is up.   Ctrl-C stops it; the data stays in ${data}

  dashboard   ${instance.api}/   sign in with the admin key
  api         ${instance.api}
  gateway     ${instance.gateway}
  kafka       ${instance.kafka}
  clickhouse  ${instance.clickhouse}
  admin key   ${instance.adminKey}

Send a first event, then ask for its figure:

  curl -i ${instance.gateway}/v1/events \\
    -H 'Authorization: Bearer ${instance.adminKey}' -H 'Content-Type: application/cloudevents+json' \\
    -d '{"specversion":"1.0","type":"tally.interaction.v1","source":"/readme","id":"welcome-1","time":"${new Date().toISOString()}","data":{"tenantId":"contoso","environmentId":"prod","entityType":"contact","entityId":"c-1","channel":"email"}}'

  curl '${instance.api}/v1/tenants/contoso/interactions?from=${month}&to=${month}' -H 'Authorization: Bearer ${instance.adminKey}'
`;
}
