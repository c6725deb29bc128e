/**
 * `npm run bench -- unified`: how long it takes to unify many records, in one environment and in a hundred, all of them
 * and after few changes, and how much memory. How many people there are is known by construction, and checked.
 */
import { print, printJson } from '@tally/cli/print';
import { UNIFICATION_DEFAULT, unifiedPeople } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { Command, InvalidArgumentError } from 'commander';
import { withBenchStack } from './bench-stack.ts';
import { thisMachine } from './machine.ts';
import { ownPeakBytes, PeakWatch } from './memory.ts';
import { timeMs } from './timing.ts';

interface UnifiedBenchOptions {
  records: number;
  seed: number;
  data?: string;
  keep: boolean;
  json: boolean;
}

interface Shape {
  environments: number;
  /** Environments that the changes are in. */
  changed: number;
}

const TENANT = 'bench';
const SHAPES: readonly Shape[] = [
  { environments: 1, changed: 1 },
  { environments: 100, changed: 4 },
];
const CHANGES = 1_000;
/** Of each ten records, three have an e-mail address in common, so they are one person; the others have their own. */
const GROUP = 10;
const PEOPLE_PER_GROUP = 8;
/** So that every environment holds whole groups, and enough of them for its changes. */
const RECORDS_STEP = 100_000;
const INSERT_RECORDS_MAX = 1_000_000;

/** The command `unified`. */
export function unifiedCommand(): Command {
  return new Command('unified')
    .description('fills ClickHouse with source records, three tenths of them overlapping, and unifies them')
    .option('--records <n>', `a multiple of ${RECORDS_STEP}`, records, 10_000_000)
    .option('--seed <n>', 'same seed, same records', Number, 1)
    .option('--data <dir>', 'where Kafka and ClickHouse keep their files; default a temporary directory')
    .option('--keep', 'leave the files there', false)
    .option('--json', 'print one JSON document', false)
    .action(runUnifiedBench);
}

function records(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (number > 0 && number % RECORDS_STEP === 0) return number;
  throw new InvalidArgumentError(`expected a multiple of ${RECORDS_STEP}`);
}

async function runUnifiedBench(options: UnifiedBenchOptions): Promise<void> {
  await withBenchStack(options, async (bench) => {
    const { clickhouse } = bench;
    const pid = (): number | undefined => bench.pid();
    const shapes = [];
    for (const shape of SHAPES) {
      await clickhouse.command('TRUNCATE TABLE profile_records SYNC');
      const filledMs = await timeMs(() => fill(clickhouse, options, shape));
      const all = await measure(clickhouse, pid, shape.environments, PEOPLE_PER_GROUP * (options.records / GROUP));
      await change(clickhouse, options, shape);
      // Each change takes a record out of its group of three.
      const share = (PEOPLE_PER_GROUP * (options.records / GROUP)) / shape.environments;
      const changed = await measure(clickhouse, pid, shape.changed, share * shape.changed + CHANGES);
      shapes.push({ ...shape, filledMs, all, changed });
      if (!options.json) print(`${JSON.stringify(shapes.at(-1), undefined, 2)}\n`);
    }
    const { records: total, seed } = options;
    const machine = await thisMachine(clickhouse);
    printJson({ records: total, seed, changes: CHANGES, machine, shapes, nodePeakBytes: ownPeakBytes() });
  });
}

/** Unifies the first so many environments. Throws `BENCH_FIGURE_WRONG` when the people are not those there must be. */
async function measure(clickhouse: ClickHouse, pid: () => number | undefined, environments: number, expected: number) {
  const watch = new PeakWatch(clickhouse, pid);
  let [people, of] = [0, 0];
  const ms = await watch.during(() =>
    timeMs(async () => {
      for (let index = 0; index < environments; index++) {
        const asked = { tenantId: TENANT, environmentId: `e${index}`, rules: UNIFICATION_DEFAULT };
        const figure = await unifiedPeople(clickhouse, asked);
        people += figure.people;
        of += figure.records;
      }
    }),
  );
  if (people !== expected) {
    throw new TallyError(`${people} people of ${of} records, expected ${expected}`, {
      code: 'BENCH_FIGURE_WRONG',
      retriable: false,
    });
  }
  return { ms, environments, records: of, people, expected, clickhousePeak: watch.peak, nodePeakBytes: ownPeakBytes() };
}

const COLUMNS =
  'position, outcome, tenant_id, environment_id, source, record_id, deleted, identifier_kinds, identifier_keys, changed_at';

/** A record's row, from its number `n` and the e-mail address `mail`; each has a phone number of its own. */
const row = (position: string, mail: string): string => `
  SELECT
    bitShiftLeft(toUInt64(1), 56) + ${position}, 'counted', '${TENANT}',
    concat('e', toString(intDiv(n, {perEnvironment:UInt64}))),
    ['crm', 'shop', 'web'][n % 3 + 1], toString(sipHash64({seed:UInt64}, n)), 0, ['email', 'phone'],
    arrayMap(text -> reinterpretAsUInt128(sipHash128(toString({seed:UInt64}), text)), [${mail}, concat('phone', toString(n))]), 0`;

async function fill(clickhouse: ClickHouse, { records: total, seed }: UnifiedBenchOptions, shape: Shape) {
  const mail = `concat('mail', toString(if(n % ${GROUP} < 3, n - n % ${GROUP}, n)))`;
  for (let from = 0; from < total; from += INSERT_RECORDS_MAX) {
    await clickhouse.command(
      `INSERT INTO ingest_profiles (${COLUMNS}) ${row('n', mail)}
       FROM (SELECT number AS n FROM numbers({from:UInt64}, {count:UInt64}))`,
      {
        seed,
        from,
        count: Math.min(INSERT_RECORDS_MAX, total - from),
        perEnvironment: total / shape.environments,
      },
    );
  }
}

/** Gives the first record of so many groups an address of its own, in the first environments. */
async function change(clickhouse: ClickHouse, { records: total, seed }: UnifiedBenchOptions, shape: Shape) {
  const perEnvironment = total / shape.environments;
  const each = CHANGES / shape.changed;
  if (each * GROUP > perEnvironment) {
    throw new TallyError(`${perEnvironment} records an environment are too few for ${each} changes`, {
      code: 'BENCH_TOO_SMALL',
      retriable: false,
    });
  }
  await clickhouse.command(
    `INSERT INTO ingest_profiles (${COLUMNS}) ${row('{total:UInt64} + n', "concat('new', toString(n))")}
     FROM
     (
       SELECT intDiv(number, {each:UInt64}) * {perEnvironment:UInt64} + number % {each:UInt64} * ${GROUP} AS n
       FROM numbers(${CHANGES})
     )`,
    { seed, total, each, perEnvironment },
  );
}
