/**
 * `npm run bench -- api`: how many calls of the dashboard's tenant page the api answers over a large log, and how fast.
 */
import { randomBytes } from 'node:crypto';
import { print, printJson } from '@tally/cli/print';
import { createServices } from '@tally/cli/services';
import { currentLog } from '@tally/consumer';
import { addDays, addMonths, dayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { Command, InvalidArgumentError } from 'commander';
import { Random } from '../fuzz/random.ts';
import { Generator, recordsWritten } from '../scale/fill.ts';
import { fourteenMonthsTo, tenantOf } from '../scale/history.ts';
import { measureRun } from './aggregator-run.ts';
import { ELSEWHERE, withArrivals } from './api-arrivals.ts';
import { zipfTenants } from './api-calls.ts';
import { type Load, runLoad } from './api-load.ts';
import { apiLoadText } from './api-report.ts';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { type Machine, thisMachine } from './machine.ts';
import { type ProcessUsage, watchProcess } from './process-usage.ts';
import { stage } from './stage.ts';

interface ApiBenchOptions {
  events: number;
  tenants: number;
  entities: number;
  seed: number;
  connections: number;
  seconds: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

/** Nothing kept yet; asked again; and asked on while events of another tenant come in every second. */
export type Phase = 'cold' | 'warm' | 'arriving';

export interface PhaseLoad extends Load {
  /** The load's own process is the third that shares the machine. */
  usage: Record<'api' | 'clickhouse' | 'load', ProcessUsage>;
}

export interface ApiReport {
  machine: Machine;
  events: number;
  tenants: number;
  connections: number;
  /** Of each phase. */
  seconds: number;
  phases: Record<Phase, PhaseLoad>;
}

const DAY_MS = 86_400_000;
/** So many days ago each tenant's licence year began. */
const LICENSED_DAYS = 300;
/** One key asks all of it; what one is allowed in practice is not what is measured. */
const NO_LIMIT = '1000000000';

/** The command `api`. */
export function apiCommand(): Command {
  return new Command('api')
    .description('loads the api with what the dashboard asks for a tenant’s page, for tenants drawn by Zipf’s law')
    .option('--connections <n>', 'connections, each with one call under way', whole, 200)
    .option('--seconds <n>', 'how long', whole, 30)
    .option('--data <dir>', 'directory filled by `query --keep --only-fill`; default a temporary one, filled first')
    .option('--keep', 'leave the files there', false)
    .option('--events <n>', 'size of the log where there is none yet', whole, 1_000_000)
    .option('--tenants <n>', 'tenants, of Zipf sizes, where there is no log yet', whole, 1_000)
    .option('--entities <n>', 'entities of all of them, where there is no log yet', whole, 100_000)
    .option('--seed <n>', 'same seed, same order of tenants', whole, 1)
    .option('--json', 'print one JSON document', false)
    .action((options: ApiBenchOptions) => withBenchStack(options, (bench) => measure(bench, options)));
}

async function measure(bench: BenchStack, options: ApiBenchOptions): Promise<void> {
  const { clickhouse } = bench;
  const events = await prepare(bench, options);
  const { tenants } = await clickhouse.queryOne<{ tenants: string }>(
    'SELECT uniqExact(tenant_id) AS tenants FROM daily_interactions WHERE tenant_id != {elsewhere:String}',
    { elsewhere: ELSEWHERE },
  );
  const phases = await withApi(bench, (api) => loadApi(bench, api, { ...options, tenants: Number(tenants) }));
  const { connections, seconds } = options;
  const machine = await thisMachine(clickhouse);
  const report: ApiReport = { machine, events, tenants: Number(tenants), connections, seconds, phases };
  if (options.json) printJson(report);
  else print(apiLoadText(report));
  const loads = Object.values(phases);
  const errors = loads
    .flatMap(({ broken, refused }) => [broken, ...Object.values(refused)])
    .reduce((sum, times) => sum + times, 0);
  if (errors > 0 || loads.some(({ whole }) => whole.answers === 0)) {
    throw new TallyError(`${errors} calls were not answered 200`, { code: 'BENCH_CALLS_FAILED', retriable: false });
  }
}

/** There is a log, every tenant has a licence, and every figure is published. Returns the number of events. */
async function prepare(bench: BenchStack, options: ApiBenchOptions): Promise<number> {
  const { clickhouse, stack, topics, partitions } = bench;
  const { epoch } = await currentLog(clickhouse, topics.interactions);
  const startOfToday = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  if ((await recordsWritten(clickhouse, epoch)) === 0) {
    const { events, tenants, entities, seed } = options;
    stage(`generating ${events} events`);
    const source = { clickhouse, url: stack.clickhouseUrl, topic: topics.interactions };
    const generator = await Generator.create({ ...source, population: { tenants, entities, seed } });
    await generator.append({ records: events, ...fourteenMonthsTo(startOfToday) });
    await generator.close();
  }
  const events = await recordsWritten(clickhouse, epoch);
  await licenseAll(clickhouse);
  const { runs } = await clickhouse.queryOne<{ runs: string }>('SELECT count() AS runs FROM aggregator_runs');
  if (runs === '0') {
    stage('publishing every figure');
    const next = BigInt(events / partitions);
    const offsets = new Map(Array.from({ length: partitions }, (_, partition) => [partition, next]));
    await measureRun(bench, offsets, Date.now);
  }
  return events;
}

/** Every tenant has a base licence and people in a pack, unless any has one already. */
async function licenseAll(clickhouse: ClickHouse): Promise<void> {
  const startsOn = addDays(dayOf(Date.now()), -LICENSED_DAYS);
  await clickhouse.command(
    `INSERT INTO licences
       (tenant_id, changed_at, change_id, changed_by, because, catalogue_version, skus, quantities, pack_sizes, starts, ends)
     SELECT
       tenant_id, now64(3), generateUUIDv4(), 'bench', '', 1,
       ['ci-base', 'ci-interacted-people-t1'], [1, 1], [0, 5000], [{startsOn:String}, {startsOn:String}], ['', '']
     FROM (SELECT DISTINCT tenant_id FROM daily_interactions)
     WHERE (SELECT count() FROM licences) = 0`,
    { startsOn },
  );
}

interface RunningApi {
  url: string;
  adminKey: string;
  pid: number | undefined;
}

async function withApi<Result>(bench: BenchStack, work: (api: RunningApi) => Promise<Result>): Promise<Result> {
  const adminKey = `bench_${randomBytes(16).toString('hex')}`;
  process.env['TALLY_API_REQUESTS_PER_MINUTE_MAX'] = NO_LIMIT;
  const [api] = createServices({
    dataDir: bench.dataDir,
    kafka: bench.stack.kafka,
    clickhouse: { url: bench.stack.clickhouseUrl, database: bench.database },
    secrets: { adminKey, identifierSecret: 'bench-identifier-secret' },
    apiPort: 0,
    gatewayPort: 0,
    consumers: 1,
    aggregateCron: '0 0 1 1 *',
    onEvent: ({ service, kind, detail = '' }) => {
      if (kind === 'exited' || kind === 'refused') process.stderr.write(`${service} ${kind}: ${detail}\n`);
    },
  }).filter(({ name }) => name === 'api');
  if (!api) throw new TallyError('there is no api', { code: 'BENCH_SERVICE', retriable: false });
  try {
    await api.supervised.start();
    return await work({ url: api.url(), adminKey, pid: api.supervised.pid() });
  } finally {
    await api.supervised.stop();
  }
}

async function loadApi(
  bench: BenchStack,
  { url, adminKey, pid }: RunningApi,
  { connections, seconds, seed, tenants }: ApiBenchOptions,
): Promise<ApiReport['phases']> {
  const cookie = await signIn(url, adminKey);
  const today = dayOf(Date.now());
  const licenceYear = await licenceYearOf(url, cookie);
  const random = new Random(seed, 0);
  const nextTenant = zipfTenants(tenants, () => random.bits() / 2 ** 32);
  const phase = async (name: Phase): Promise<PhaseLoad> => {
    stage(`${name}: ${connections} connections for ${seconds} s`);
    const watched = { api: watchProcess(pid), clickhouse: watchProcess(bench.pid()), load: watchProcess(process.pid) };
    const load = await runLoad({ url, cookie, connections, seconds, today, licenceYear, nextTenant });
    return { ...load, usage: { api: watched.api(), clickhouse: watched.clickhouse(), load: watched.load() } };
  };
  return {
    cold: await phase('cold'),
    warm: await phase('warm'),
    arriving: await withArrivals(bench.clickhouse, () => phase('arriving')),
  };
}

/** A session, as the dashboard has one. */
async function signIn(url: string, key: string): Promise<string> {
  const answer = await fetch(`${url}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url, 'x-tally-request': 'dashboard' },
    body: JSON.stringify({ key }),
  });
  const [cookie] = answer.headers.getSetCookie();
  if (answer.ok && cookie !== undefined) return cookie.slice(0, cookie.indexOf(';'));
  throw new TallyError(`signing in was answered ${answer.status}`, { code: 'BENCH_SIGN_IN', retriable: false });
}

/** All tenants have the same licences, which may be older than a year where the data are kept. */
async function licenceYearOf(url: string, cookie: string): Promise<string> {
  const answer = await fetch(`${url}/v1/tenants/${tenantOf(1)}/licences`, { headers: { cookie } });
  const { licences } = (await answer.json()) as { licences: { startsOn: string }[] };
  const today = dayOf(Date.now());
  let startsOn = licences[0]?.startsOn ?? today;
  while (addMonths(startsOn, 12) <= today) startsOn = addMonths(startsOn, 12);
  return startsOn;
}

function whole(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('expected a whole number above 0');
}
