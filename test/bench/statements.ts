/**
 * `npm run bench -- statements`: how long it takes to issue a month for every tenant, the month after it with adjustments,
 * and to check all of them; through the real topic.
 */
import { count, print, printJson, table } from '@tally/cli/print';
import { progressBar } from '@tally/cli/progress';
import { dayOf, monthOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka } from '@tally/platform/kafka';
import { issueMonth, lastStatable, type StatementSources, statementSources, verifyStatements } from '@tally/statements';
import { Command, InvalidArgumentError } from 'commander';
import { Generator } from '../scale/fill.ts';
import { fourteenMonthsTo, tenantOf } from '../scale/history.ts';
import { type BenchStack, benchLog, withBenchStack } from './bench-stack.ts';
import { thisMachine } from './machine.ts';
import { ownPeakBytes, PeakWatch } from './memory.ts';
import { stage } from './stage.ts';
import { timeMs } from './timing.ts';

interface StatementBenchOptions {
  events: number;
  tenants: number;
  entities: number;
  seed: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

const DAY_MS = 86_400_000;
const GRACE_DAYS = 3;
const LATE_EVENTS_MAX = 100_000;
/** The 14 months end with October; then a month of late events and nothing else. */
const UNTIL = Date.UTC(2026, 10, 1);
const MONTH_AFTER = Date.UTC(2026, 11, 1);

/** The command `statements`. */
export function statementsCommand(): Command {
  return new Command('statements')
    .description('fills ClickHouse with a log of 14 months and issues the statements of every tenant for two months')
    .option('--events <n>', 'size of the log', whole, 10_000_000)
    .option('--tenants <n>', 'tenants, of Zipf sizes', whole, 1_000)
    .option('--entities <n>', 'entities of all of them', whole, 400_000)
    .option('--seed <n>', 'same seed, same log', whole, 1)
    .option('--data <dir>', 'directory for Kafka’s and ClickHouse’s files; default a temporary one')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action((options: StatementBenchOptions) => withBenchStack(options, (bench) => measure(bench, options)));
}

async function measure(bench: BenchStack, options: StatementBenchOptions): Promise<void> {
  const { events, tenants, entities, seed } = options;
  const { clickhouse, stack, topics, admin, groupId } = bench;
  const population = { tenants, entities, seed };
  const source = { clickhouse, url: stack.clickhouseUrl, topic: topics.interactions };
  const generator = await Generator.create({ ...source, population });
  stage(`generating up to ${events} events`);
  if (generator.records < events) {
    await generator.append({ records: events - generator.records, ...fourteenMonthsTo(UNTIL) });
    await generator.rest();
  }
  await license(clickhouse, tenants);
  let now = UNTIL + GRACE_DAYS * DAY_MS;
  const kafka = createKafka({ brokers: [stack.kafka], clientId: 'tally-bench', log: benchLog });
  const rest = { topics, groupId, graceDays: GRACE_DAYS, clock: () => now, log: benchLog };
  const sources = statementSources({ kafka, admin, clickhouse, ...rest });
  const watch = new PeakWatch(clickhouse, () => bench.pid());
  const issue = (what: string): Promise<IssuedAll> => {
    stage(what);
    return watch.during(() => issueAll(sources, tenants));
  };
  await admin.setCommitted(groupId, topics.interactions, generator.offsets());
  const first = await issue('issuing the first month');
  await generator.append({
    records: Math.min(LATE_EVENTS_MAX, events / 10),
    from: UNTIL - 30 * DAY_MS,
    until: MONTH_AFTER,
  });
  await generator.rest();
  await admin.setCommitted(groupId, topics.interactions, generator.offsets());
  now = MONTH_AFTER + GRACE_DAYS * DAY_MS;
  const second = await issue('issuing the month after it, with adjustments');
  const repeated = await issue('issuing the same again');
  stage('verifying');
  const verifyMs = await timeMs(async () => {
    const { faults, statements } = await verifyStatements(sources);
    if (faults.length > 0) {
      const message = `${faults.length} of ${statements} statements are at fault`;
      throw new TallyError(message, { code: 'BENCH_STATEMENTS_AT_FAULT', retriable: false });
    }
  });
  await sources.close();
  const report = {
    ...population,
    events: generator.records,
    machine: await thisMachine(clickhouse),
    first,
    second,
    repeated,
    verify: { ms: verifyMs },
    memory: { clickhouse: watch.peak, nodePeakBytes: ownPeakBytes() },
  };
  if (options.json) printJson(report);
  else tell(report);
}

interface IssuedAll {
  month: string;
  ms: number;
  issued: number;
  before: number;
  adjustments: number;
  bytes: number;
}

async function issueAll(sources: StatementSources, tenants: number): Promise<IssuedAll> {
  const month = lastStatable(sources.clock(), sources.graceDays);
  const ids = Array.from({ length: tenants }, (_, index) => tenantOf(index + 1));
  const bar = progressBar('statements', tenants, 'tenants');
  let [issued, before] = [0, 0];
  const ms = await timeMs(async () => {
    const result = await issueMonth(sources, { tenants: ids, month, by: 'bench', onProgress: bar.update });
    if (result.failed.length > 0)
      throw new TallyError('tenants failed', { code: 'BENCH_RUN_FAILED', retriable: false });
    [issued, before] = [result.issued, result.before];
  });
  bar.finish(issued + before);
  bar.stop();
  const { bytes, adjustments } = await sources.clickhouse.queryOne<{ bytes: string; adjustments: string }>(
    `SELECT sum(length(document)) AS bytes, sum(length(JSONExtractArrayRaw(document, 'adjustments'))) AS adjustments
     FROM statements WHERE month = {month:Date}`,
    { month: `${month}-01` },
  );
  return { month, ms, issued, before, adjustments: Number(adjustments), bytes: Number(bytes) };
}

/** Each tenant has a base licence and people in a pack, half of what it would need in the end. */
async function license(clickhouse: ClickHouse, tenants: number): Promise<void> {
  await clickhouse.insert(
    'licences',
    Array.from({ length: tenants }, (_, index) => ({
      tenant_id: tenantOf(index + 1),
      changed_at: '2026-01-01 00:00:00.000',
      change_id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      changed_by: 'bench',
      because: '',
      catalogue_version: 1,
      skus: ['ci-base', 'ci-interacted-people-t1'],
      quantities: [1, 1],
      pack_sizes: [0, 5_000],
      starts: [`${monthOf(dayOf(UNTIL - 200 * DAY_MS))}-15`, '2026-06-01'],
      ends: ['', ''],
    })),
  );
}

function tell(
  report: { events: number; tenants: number; verify: { ms: number }; memory: { nodePeakBytes: number } } & Record<
    'first' | 'second' | 'repeated',
    IssuedAll
  >,
): void {
  print(`${count(report.events)} events of ${count(report.tenants)} tenants\n`);
  const rows = (['first', 'second', 'repeated'] as const).map((name) => {
    const { month, ms, issued, before, adjustments, bytes } = report[name];
    return [month, ...[issued, before, adjustments, Math.round(bytes / 1024), Math.round(ms)].map(count)];
  });
  const titles = ['issued', 'had one', 'adjustments', 'KiB', 'ms'].map((title) => ({ title, right: true }));
  print(table([{ title: 'month' }, ...titles], rows));
  const mebibytes = count(Math.round(report.memory.nodePeakBytes / 2 ** 20));
  print(`all verified in ${count(Math.round(report.verify.ms))} ms; this process at its highest: ${mebibytes} MiB\n`);
}

function whole(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('expected a whole number above 0');
}
