/**
 * `npm run bench -- shards`: the same figures of the same log on one server and on two shards, in one run. Of two shards
 * they are asked twice: each shard works its own out and they are added up, as Tally does it, and through the tables over
 * all shards, where the server that is asked merges what the others send.
 */
import { count, print, printJson, table } from '@tally/cli/print';
import { type ReshardReport, reshard } from '@tally/cli/reshard';
import { localCluster } from '@tally/local';
import { type Day, dayOf } from '@tally/metering';
import { ClickHouse } from '@tally/platform/clickhouse';
import { Command } from 'commander';
import { Generator } from '../scale/fill.ts';
import { fourteenMonthsTo, tenantOf } from '../scale/history.ts';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { type Machine, thisMachine } from './machine.ts';
import { whole } from './options.ts';
import { stage } from './stage.ts';
import { untilMerged } from './storage.ts';
import { quotaPageQueries, type TenantQuery, yearCurve } from './tenant-queries.ts';
import { type Timing, timeCalls } from './timing.ts';

interface ShardsOptions {
  events: number;
  tenants: number;
  entities: number;
  seed: number;
  calls: number;
  json: boolean;
}

interface QueryTimes {
  tenant: string;
  query: string;
  oneServer: Timing;
  summed: Timing;
  distributed: Timing;
  /** The three gave the same answer. */
  isSame: boolean;
}

interface ShardsReport {
  machine: Machine;
  events: number;
  tenants: number;
  entities: number;
  shards: number;
  /** What it took to go from one server to two. */
  resharding: Pick<ReshardReport, 'copyMs' | 'bytes' | 'tables' | 'figures' | 'differences'>;
  queries: QueryTimes[];
}

const SHARDS = 2;
const DATABASE = 'on_two';
const DAY_MS = 86_400_000;

/** The command `shards`. */
export function shardsCommand(): Command {
  return new Command('shards')
    .description('times the queries of a page on one server and on two shards, and the copying from one to two')
    .option('--events <n>', 'size of the log', whole, 5_000_000)
    .option('--tenants <n>', 'tenants, of Zipf sizes', whole, 100)
    .option('--entities <n>', 'entities of all of them', whole, 500_000)
    .option('--seed <n>', 'same seed and day, same log', whole, 1)
    .option('--calls <n>', 'of each query', whole, 20)
    .option('--json', 'print one JSON document', false)
    .action(runShardsBench);
}

async function runShardsBench(options: ShardsOptions): Promise<void> {
  await withBenchStack({ keep: false, shards: SHARDS }, async (bench) => {
    const until = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    await fill(bench, options, until);
    stage('copying to two shards');
    const url = bench.stack.clickhouseUrl;
    const shards = bench.stack.clickhouseShards;
    const cluster = { url, database: DATABASE, shards, cluster: localCluster(SHARDS) };
    const resharding = await reshard(bench.clickhouse, cluster, {
      metered: [bench.topics.interactions],
      onTable: ({ table: name, rows, ms }) => stage(`${name}: ${rows} rows in ${Math.round(ms)} ms`),
    });
    const clients = {
      oneServer: bench.clickhouse,
      summed: new ClickHouse(cluster),
      distributed: new ClickHouse({ url, database: DATABASE }),
    };
    for (const shard of clients.summed.shards) await untilMerged(shard);
    const { events, tenants, entities } = options;
    const queries: QueryTimes[] = [];
    for (const rank of [1, Math.ceil(tenants / 2)]) {
      queries.push(...(await timeTenant(clients, tenantOf(rank), dayOf(until), options.calls)));
    }
    const { copyMs, bytes, tables, figures, differences } = resharding;
    const report: ShardsReport = {
      machine: await thisMachine(bench.clickhouse),
      ...{ events, tenants, entities, shards: SHARDS },
      resharding: { copyMs, bytes, tables, figures, differences },
      queries,
    };
    for (const client of [clients.summed, clients.distributed]) await client.close();
    if (options.json) printJson(report);
    else print(text(report));
    if (differences.length > 0 || queries.some(({ isSame }) => !isSame)) process.exitCode = 1;
  });
}

async function fill(
  bench: BenchStack,
  { events, tenants, entities, seed }: ShardsOptions,
  until: number,
): Promise<void> {
  const { clickhouse, stack, topics } = bench;
  const population = { tenants, entities, seed };
  const source = { clickhouse, url: stack.clickhouseUrl, topic: topics.interactions };
  const generator = await Generator.create({ ...source, population });
  stage(`generating ${events} events`);
  await generator.append({ records: events, ...fourteenMonthsTo(until) });
  await generator.close();
  await untilMerged(clickhouse);
}

async function timeTenant(
  clients: Record<'oneServer' | 'summed' | 'distributed', ClickHouse>,
  tenant: string,
  today: Day,
  calls: number,
): Promise<QueryTimes[]> {
  const queriesOf = (clickhouse: ClickHouse): TenantQuery[] => [
    ...quotaPageQueries(clickhouse, tenant, today),
    yearCurve(clickhouse, tenant, today),
  ];
  const [one, summed, distributed] = [clients.oneServer, clients.summed, clients.distributed].map(queriesOf);
  const times: QueryTimes[] = [];
  for (const [index, query] of (one ?? []).entries()) {
    const [ofShards, ofAll] = [summed?.[index], distributed?.[index]];
    if (!ofShards || !ofAll) continue;
    stage(`${query.name} of ${tenant}`);
    const answers = [await query.ask(), await ofShards.ask(), await ofAll.ask()].map((answer) =>
      JSON.stringify(answer),
    );
    times.push({
      tenant,
      query: query.name,
      oneServer: await timeCalls(calls, query.ask),
      summed: await timeCalls(calls, ofShards.ask),
      distributed: await timeCalls(calls, ofAll.ask),
      isSame: new Set(answers).size === 1,
    });
  }
  return times;
}

function text({ events, tenants, resharding, queries }: ShardsReport): string {
  const right = (...titles: string[]) => titles.map((title) => ({ title, right: true }));
  return [
    `${count(events)} events of ${count(tenants)} tenants; milliseconds, middle and 95th percentile\n`,
    table(
      [{ title: 'tenant' }, { title: 'query' }, ...right('one server', 'two shards', 'over all'), { title: 'same' }],
      queries.map(({ tenant, query, oneServer, summed, distributed, isSame }) => [
        tenant,
        query,
        ...[oneServer, summed, distributed].map(({ p50Ms, p95Ms }) => `${p50Ms} / ${p95Ms}`),
        isSame ? 'yes' : 'NO',
      ]),
    ),
    `from one server to two: ${(resharding.copyMs / 1000).toFixed(1)} s, ${count(resharding.bytes.source)} bytes before, ` +
      `${count(resharding.bytes.target)} after; ${count(resharding.figures)} figures, ${resharding.differences.length} different\n`,
  ].join('');
}
