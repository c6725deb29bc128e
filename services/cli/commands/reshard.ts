import { resolve } from 'node:path';
import type { ClickHouse, ClickHouseOptions } from '@tally/platform/clickhouse';
import { parseConfig, urlList } from '@tally/platform/config';
import { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.ts';
import { clusterOf, runningInstance } from '../instance.ts';
import { databaseName, dataOption, jsonOption } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { carryOver, type ReshardReport, reshard } from '../reshard.ts';

interface ReshardOptions {
  database: string;
  shards?: string;
  cluster?: string;
  from?: string;
  carryOver: boolean;
  data: string;
  json: boolean;
}

/** `tally reshard`: the same figures on another number of servers. */
export function reshardCommand(): Command {
  return new Command('reshard')
    .description('copy the database to one of other shards, and hold every figure of the two against each other')
    .requiredOption('--database <name>', 'the database to make; with --carry-over, the one that was made', databaseName)
    .option('--shards <urls>', 'servers to spread it over, the first one as now; default all of the instance')
    .option('--cluster <name>', "what the servers' <remote_servers> calls them")
    .option('--carry-over', 'copy what was decided and published in the old one since', false)
    .option('--from <name>', 'the old database; default the one in use', databaseName)
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText('after', STEPS)
    .action(run);
}

const STEPS = `
1. Start the further servers: \`tally up --shards N\`, or your own (docs/cluster.md). The old database stays where it is.
2. tally reshard --database NEW            while everything runs; killed, the same command goes on
3. Stop the services, start them on NEW: \`tally up --database NEW\`, or TALLY_CLICKHOUSE_DATABASE and TALLY_CLICKHOUSE_SHARDS
   with \`tally log rewind\` for both topics. The consumers go on after what was copied.
4. tally reshard --database NEW --carry-over --from OLD      brings what was decided between 2 and 3
5. tally ledger --verify, then drop the databases OLD and OLD_shard.`;

async function run(options: ReshardOptions): Promise<void> {
  const connection = connect(options.data);
  try {
    if (options.carryOver) await runCarryOver(connection.clickhouse, options);
    else await runReshard(connection, options);
  } finally {
    await connection.close();
  }
}

async function runCarryOver(inUse: ClickHouse, { database, from, json }: ReshardOptions): Promise<void> {
  if (inUse.database !== database || from === undefined || from === database) {
    throw new Error(`--carry-over is for services that run on ${database}, and needs --from with the old database`);
  }
  const written = await carryOver(inUse, from);
  if (json) printJson({ written });
  else print(`${count(Object.values(written).reduce((sum, rows) => sum + rows, 0))} rows came over from ${from}\n`);
}

async function runReshard(connection: ReturnType<typeof connect>, options: ReshardOptions): Promise<void> {
  const { clickhouse: source, topics } = connection;
  const startedAt = performance.now();
  const report = await reshard(source, targetOf(connection.clickhouseOptions, options), {
    metered: [topics.interactions, topics.profiles],
    onTable: ({ table: name, rows, ms }) => {
      if (!options.json) process.stderr.write(`copied ${name}: ${count(rows)} rows in ${(ms / 1000).toFixed(1)} s\n`);
    },
  });
  if (report.differences.length > 0) process.exitCode = 1;
  if (options.json) printJson({ ...report, totalMs: performance.now() - startedAt });
  else tell(report, options, performance.now() - startedAt);
}

/** Of an instance, the servers that run; else those that are named. */
function targetOf(source: ClickHouseOptions, { database, shards, cluster, data }: ReshardOptions): ClickHouseOptions {
  const { shards: _, cluster: __, ...server } = source;
  if (shards === undefined) return { ...server, database, ...clusterOf(runningInstance(resolve(data)).engines) };
  const { shards: urls } = parseConfig(z.object({ shards: urlList }), { shards });
  const named = cluster === undefined ? clusterOf(urls) : { shards: urls, cluster };
  return { ...server, database, ...(urls.length > 1 ? named : {}) };
}

function tell(report: ReshardReport, { database, data }: ReshardOptions, totalMs: number): void {
  const { shards, tables, copyMs, bytes, figures, differences } = report;
  const rows = tables.map(({ table: name, rows: copied, ms }) => [name, count(copied), (ms / 1000).toFixed(1)]);
  print(table([{ title: 'table' }, { title: 'rows', right: true }, { title: 's', right: true }], rows));
  print(
    `copied to ${shards} shard(s) in ${(copyMs / 1000).toFixed(1)} s, compared in ${((totalMs - copyMs) / 1000).toFixed(1)} s; ` +
      `${count(bytes.source)} bytes before, ${count(bytes.target)} in ${database}\n`,
  );
  for (const difference of differences.slice(0, 20)) print(`${difference}\n`);
  print(
    differences.length === 0
      ? `${count(figures)} figures are equal in both.\nStop the instance, then run on it: tally up --data ${data} --database ${database}\n`
      : `${differences.length} of ${count(figures)} figures differ. What came in meanwhile is counted when services run on ${database}.\n`,
  );
}
