/**
 * Lists of shards that are not a database's: each must be refused before anything is written or added up.
 */
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { ClickHouse, type ClickHouseOptions, TableVersions } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { ClusterStage } from './stage.ts';

/** What was not refused, in words. `one` is on one server, `two` on two shards. */
export async function refusalsMissing(stage: ClusterStage): Promise<string[]> {
  const two = stage.optionsOf('two', 2);
  const reversed = { ...two, shards: [...(two.shards ?? [])].reverse() };
  const alone: ClickHouseOptions = { url: two.url, database: 'two' };
  const spread: ClickHouseOptions = { ...two, database: 'one' };
  const client = async (
    options: ClickHouseOptions,
    ask: (clickhouse: ClickHouse) => Promise<unknown>,
  ): Promise<void> => {
    const clickhouse = new ClickHouse(options);
    try {
      await ask(clickhouse);
    } finally {
      await clickhouse.close();
    }
  };
  const sum = (clickhouse: ClickHouse) => clickhouse.queryShards('SELECT count() FROM interactions');
  const attempts: [what: string, attempt: () => Promise<unknown>][] = [
    ['a sum of shards in another order', () => client(reversed, sum)],
    ['a sum of two shards of a database on one server', () => client(spread, sum)],
    ['a consumer on one server for a database on two', () => client(alone, (clickhouse) => clickhouse.checkedShards())],
    ['kept answers on one server for a database on two', () => client(alone, (one) => new TableVersions(one).now())],
    ['migrating a database on one server to two', () => migrateClickHouse(spread)],
    ['migrating a database on two servers as one', () => migrateClickHouse(alone)],
    ['migrating with shards in another order', () => migrateClickHouse({ ...reversed, url: reversed.shards[0] ?? '' })],
    [
      'migrating with a cluster of another number',
      () => migrateClickHouse({ ...two, database: 'new', cluster: 'tally_1' }),
    ],
    [
      'migrating with a cluster of no such name',
      () => migrateClickHouse({ ...two, database: 'new', cluster: 'other' }),
    ],
  ];
  const missing: string[] = [];
  for (const [what, attempt] of attempts) {
    const code = await attempt().then(
      () => 'none',
      (error: unknown) => (error instanceof TallyError ? error.code : String(error)),
    );
    if (code !== 'SHARDS_DIFFER') missing.push(`${what} is not refused: ${code}`);
  }
  return missing;
}
