/**
 * Tally's consumer with an index that holds many keys already, of other events. They are made once a data directory and
 * lent to each database that is measured.
 */
import { progressBar } from '@tally/cli/progress';
import { currentLog } from '@tally/consumer';
import { TallyError } from '@tally/platform/errors';
import type { Arena, Contender } from './ingest-measure.ts';
import { stage } from './stage.ts';
import { untilMerged } from './storage.ts';

const DATABASE = 'ingest_keys';
const KEYS_PER_INSERT = 5_000_000;
/** Over so many seconds the keys' events are spread, backwards from now: 14 months. */
const SPAN_SECONDS = 425 * 86_400;

/** The same contender with so many keys in the index before it starts. */
export function withKeys(contender: Contender, keys: number): Contender {
  return {
    ...contender,
    id: `${contender.id}+keys`,
    title: `${contender.title}, index filled`,
    settings: { ...contender.settings, keys },
    keys,
    prepare: (arena) => lendKeys(arena, keys),
  };
}

/** Parts are linked, not copied. */
async function lendKeys(arena: Arena, keys: number): Promise<void> {
  const { clickhouse, filled } = arena;
  const { epoch } = await currentLog(clickhouse, filled.avro);
  const table = `${DATABASE}.epoch${epoch}_p${filled.partitions}_${keys}`;
  await makeKeys(arena, { table, epoch, keys });
  await clickhouse.command(`ALTER TABLE event_index ATTACH PARTITION tuple() FROM ${table}`);
}

/**
 * Random keys, evenly over the partitions, at offsets behind those of any topic that is measured. Nothing but the index
 * knows them, and no event has one of them.
 */
async function makeKeys(
  { bench, clickhouse, filled, name }: Arena,
  { table, epoch, keys }: { table: string; epoch: number; keys: number },
): Promise<void> {
  await bench.clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${DATABASE}`);
  await bench.clickhouse.command(`CREATE TABLE IF NOT EXISTS ${table} AS ${name}.event_index`);
  const there = async (): Promise<number> =>
    Number((await clickhouse.queryOne<{ rows: string }>(`SELECT count() AS rows FROM ${table}`)).rows);
  if ((await there()) === keys) return;
  await bench.clickhouse.command(`TRUNCATE TABLE ${table} SYNC`);
  stage(`an index of ${keys} keys`);
  const bar = progressBar('keys', keys, 'keys');
  for (let first = 0; first < keys; first += KEYS_PER_INSERT) {
    const count = Math.min(KEYS_PER_INSERT, keys - first);
    await bench.clickhouse.command(
      `INSERT INTO ${table} (event_key, kind, position, occurred_at, channel, direction, content_hash)
       SELECT
         reinterpretAsUInt128(sipHash128('a key in the index', number)),
         'interaction',
         bitShiftLeft(toUInt64({epoch:UInt8}), 56)
           + bitShiftLeft(toUInt64(number % {partitions:UInt16}), 40)
           + bitShiftLeft(toUInt64(1), 39) + intDiv(number, {partitions:UInt16}),
         now64(3, 'UTC') - toIntervalSecond(intDiv(number * ${SPAN_SECONDS}, {keys:UInt64})),
         CAST(number % 6 AS Enum8('email' = 0, 'sms' = 1, 'push' = 2, 'voice' = 3, 'form_submission' = 4, 'custom' = 5)),
         'outbound',
         sipHash64(number)
       FROM numbers({first:UInt64}, {count:UInt64})`,
      { epoch, partitions: filled.partitions, keys, first, count },
    );
    bar.update(first + count);
  }
  bar.finish(keys);
  bar.stop();
  if ((await there()) !== keys) {
    throw new TallyError(`${table} has not ${keys} rows`, { code: 'BENCH_KEYS', retriable: false });
  }
  stage('merging them');
  await untilMerged(bench.clickhouse);
}
