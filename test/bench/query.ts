/**
 * `npm run bench -- query`: how long figures take on a large database, and how that grows with it.
 */
import { print, printJson } from '@tally/cli/print';
import { dayOf } from '@tally/metering';
import { Command, InvalidArgumentError, Option } from 'commander';
import { Generator } from '../scale/fill.ts';
import { fourteenMonthsTo, tenantOf } from '../scale/history.ts';
import { forgetRuns, type MeasuredRun, measureRun } from './aggregator-run.ts';
import { type BenchStack, withBenchStack } from './bench-stack.ts';
import { thisMachine } from './machine.ts';
import { ownPeakBytes, PeakWatch } from './memory.ts';
import { aimsOf, introduction, type QueryReport, type SizeReport, sizeText, summaryText } from './query-report.ts';
import { stage } from './stage.ts';
import { tableSizes, untilMerged } from './storage.ts';
import { quotaPageQueries, yearCurve } from './tenant-queries.ts';
import { timeCalls, timeMs } from './timing.ts';

interface QueryOptions {
  events: number;
  tenants: number;
  entities: number;
  seed: number;
  until: number;
  data?: string;
  keep: boolean;
  onlyFill: boolean;
  json: boolean;
}

/** Shares of the events at which everything is measured. */
const STEPS = [0.1, 0.3, 1];
/** New events before an incremental run; a small log gets fewer. */
const BURST_EVENTS_MAX = 100_000;
const BURST_SHARE_MAX = 0.1;
const BURST_TENANTS = 50;
const PAGE_CALLS = 100;
const CURVE_CALLS = 10;
const DAY_MS = 86_400_000;
const HALF_DAY_MS = DAY_MS / 2;

/** The command `query`. */
export function queryCommand(): Command {
  return new Command('query')
    .description('fills ClickHouse with a large log and measures aggregator runs and queries on the way')
    .option('--events <n>', 'size of the log; also measured at a tenth and three tenths of it', whole, 100_000_000)
    .option('--tenants <n>', 'tenants, of Zipf sizes', whole, 1_000)
    .option('--entities <n>', 'entities of all of them', whole, 4_000_000)
    .option('--seed <n>', 'same seed and day, same log', whole, 1)
    .addOption(
      new Option('--until <day>', 'the day (UTC) before which the 14 months end')
        .argParser(day)
        .default(startOfToday(), 'today'),
    )
    .option(
      '--data <dir>',
      'directory for Kafka’s and ClickHouse’s files, empty or kept from a run with the same options; default a temporary one',
    )
    .option('--keep', 'leave the files there', false)
    .option('--only-fill', 'generate, measure nothing; with --data and --keep, a later run measures', false)
    .option('--json', 'print one JSON document', false)
    .action(runQueryBench);
}

async function runQueryBench(options: QueryOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const { events, tenants, entities, seed, until } = options;
    const population = { tenants, entities, seed };
    const subject = { ...population, events, partitions: bench.partitions, until: dayOf(until) };
    const report: QueryReport = {
      ...subject,
      machine: await thisMachine(bench.clickhouse),
      sizes: [],
      nodePeakBytes: 0,
      aims: [],
    };
    if (!options.json) print(introduction(report));
    const { clickhouse, stack, topics } = bench;
    const source = { clickhouse, url: stack.clickhouseUrl, topic: topics.interactions };
    const generator = await Generator.create({ ...source, population });
    for (const step of STEPS) {
      // A log that was kept has grown past the smaller sizes.
      if (step < 1 && (options.onlyFill || generator.records > events * step)) continue;
      if (options.onlyFill) {
        await fill(generator, { ...options, target: events });
        return;
      }
      const size = await measureSize(bench, generator, { ...options, target: Math.round(events * step) });
      report.sizes.push(size);
      if (!options.json) print(sizeText(size));
    }
    report.nodePeakBytes = ownPeakBytes();
    report.aims = aimsOf(report.sizes);
    if (options.json) printJson(report);
    else print(summaryText(report));
  });
}

async function fill(generator: Generator, { target, until }: { target: number; until: number }): Promise<void> {
  stage(`generating up to ${target} events`);
  const { events, seconds, eventsPerSecond } = await grow(generator, target, until);
  await generator.rest();
  stage(`${events} events in ${seconds} s, ${eventsPerSecond} a second`);
}

async function measureSize(
  bench: BenchStack,
  generator: Generator,
  { target, until, tenants }: QueryOptions & { target: number },
): Promise<SizeReport> {
  const { clickhouse } = bench;
  stage(`generating up to ${target} events`);
  const generating = new PeakWatch(clickhouse, () => bench.pid());
  const generated = await generating.during(() => grow(generator, target, until));
  await generator.rest();
  stage('waiting for merges');
  const mergedAfterSeconds = await generating.during(() => untilMerged(clickhouse));

  const measuring = new PeakWatch(clickhouse, () => bench.pid());
  // The day after the 14 months, in which the bursts happen; its hours pass as ours do.
  const begun = performance.now();
  const clock = (): number => until + HALF_DAY_MS + Math.round(performance.now() - begun);
  const run = (): Promise<MeasuredRun> => measuring.during(() => measureRun(bench, generator.offsets(), clock));
  const newEvents = Math.min(BURST_EVENTS_MAX, Math.ceil(target * BURST_SHARE_MAX));
  const runAfterBurst = async (ranks: number[]): Promise<MeasuredRun> => {
    await generator.append({ records: newEvents, from: until, until: until + HALF_DAY_MS, ranks });
    await generator.rest();
    stage('incremental aggregator run');
    return run();
  };
  await forgetRuns(bench);
  stage('full aggregator run');
  const fullRun = await run();
  const spread = await runAfterBurst(spreadRanks(tenants));
  const largest = await runAfterBurst(spreadRanks(tenants).map((_, index) => index + 1));
  const asked = [];
  for (const rank of [1, Math.ceil(tenants / 2)]) {
    stage(`queries of the tenant of rank ${rank}`);
    asked.push(await measuring.during(() => measureTenant(bench, rank, dayOf(until))));
  }
  return {
    events: generator.records,
    generated,
    mergedAfterSeconds,
    fullRun,
    incrementalRun: { newEvents, spread, largest },
    tenants: asked,
    memory: { generating: generating.peak, measuring: measuring.peak },
    tables: await tableSizes(clickhouse),
  };
}

/** Each size holds 14 months of its own, as an older installation's log would have fewer events a day. */
async function grow(generator: Generator, target: number, until: number): Promise<SizeReport['generated']> {
  const records = Math.max(generator.plan.partitions, target - generator.records);
  const ms = await timeMs(() => generator.append({ records, ...fourteenMonthsTo(until) }));
  return { events: records, seconds: Math.round(ms / 1000), eventsPerSecond: Math.round(records / (ms / 1000)) };
}

async function measureTenant(
  { clickhouse }: BenchStack,
  rank: number,
  today: string,
): Promise<SizeReport['tenants'][number]> {
  const tenantId = tenantOf(rank);
  const queries = [];
  for (const { name, ask } of quotaPageQueries(clickhouse, tenantId, today)) {
    queries.push({ query: name, ...(await timeCalls(PAGE_CALLS, ask)) });
  }
  const curve = yearCurve(clickhouse, tenantId, today);
  queries.push({ query: curve.name, ...(await timeCalls(CURVE_CALLS, curve.ask)) });
  const { interactions } = await clickhouse.queryOne<{ interactions: string }>(
    'SELECT count() AS interactions FROM interactions WHERE tenant_id = {tenantId:String}',
    { tenantId },
  );
  return { tenantId, rank, interactions: Number(interactions), queries };
}

/** Fifty ranks, or all there are, evenly from the largest tenant to the smallest. */
function spreadRanks(tenants: number): number[] {
  const count = Math.min(BURST_TENANTS, tenants);
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index * (tenants - 1)) / Math.max(1, count - 1)));
}

function startOfToday(): number {
  return Math.floor(Date.now() / DAY_MS) * DAY_MS;
}

function whole(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('expected a whole number above 0');
}

function day(text: string): number {
  const at = Date.parse(`${text}T00:00:00Z`);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at)) return at;
  throw new InvalidArgumentError('expected a day, YYYY-MM-DD');
}
