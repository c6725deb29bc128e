/**
 * Which of a server's databases an instance runs on, and how it moves to another one: one that `tally rebuild` made.
 */
import { checkCopied } from '@tally/clickhouse-schema';
import { rewindLog } from '@tally/consumer';
import { ClickHouse, type ClickHouseOptions, type ShardOnRecord, shardDatabase } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { topicNames } from '@tally/schemas';
import { GROUP } from './catch-up.ts';

/** A killed instance's consumers are in the group until their session is over. */
const GROUP_EMPTY_MS_MAX = 30_000;
const GROUP_POLL_MS = 500;

/**
 * Throws `DATABASE_MISSING` for one that is not there where others are: a slip of the pen must not make an empty one,
 * whose figures would all be zero.
 */
export async function refuseMissingDatabase(clickhouseUrl: string, database: string): Promise<void> {
  const clickhouse = new ClickHouse({ url: clickhouseUrl, database: 'default' });
  try {
    const rows = await clickhouse.query<{ database: string }>(
      "SELECT database FROM system.tables WHERE name = 'schema_migrations' ORDER BY database",
    );
    const known = rows.map((row) => row.database);
    if (known.length === 0 || known.includes(database)) return;
    throw new TallyError(
      `there is no database ${database}, but ${known.join(', ')}: \`tally rebuild --database ${database}\` makes it from the log`,
      { code: 'DATABASE_MISSING', retriable: false },
    );
  } finally {
    await clickhouse.close();
  }
}

/**
 * Which of the running servers a database is on, in the order of its shards: as on record, or all of them for one that is
 * yet to be made. Throws `SHARDS_DIFFER` where it is on more than run, `COPY_UNFINISHED` where `tally reshard` has not ended.
 */
export async function serversOf(engines: readonly string[], database: string): Promise<readonly string[]> {
  const [url = ''] = engines;
  const clickhouse = new ClickHouse({ url, database: 'default' });
  try {
    const rows = await clickhouse.query<{ database: string }>(
      "SELECT database FROM system.tables WHERE name = 'shards' AND database IN ({databases:Array(String)}) ORDER BY database",
      { databases: [database, shardDatabase(database)] },
    );
    const made = rows.map((row) => row.database);
    if (!made.includes(shardDatabase(database))) {
      const before = await clickhouse.query('SELECT 1 FROM system.databases WHERE name = {database:String}', {
        database,
      });
      return before.length > 0 ? [url] : engines;
    }
    await checkCopied(clickhouse, database);
    const [known] = await clickhouse.query<ShardOnRecord>(
      `SELECT number, shards FROM ${shardDatabase(database)}.shards`,
    );
    // Its tables were being made when the instance was killed.
    if (!known) return engines;
    const { shards } = known;
    if (shards <= engines.length) return engines.slice(0, shards);
    throw new TallyError(
      `database ${database} is on ${shards} servers, and ${engines.length} run: --shards ${shards}`,
      {
        code: 'SHARDS_DIFFER',
        retriable: false,
      },
    );
  } finally {
    await clickhouse.close();
  }
}

/**
 * Sets the consumers back to where a database needs them: while another one was in use, they went ahead of it. Nothing is skipped, and what it has already changes no set. No consumer may run; throws
 * `GROUP_ACTIVE` when one still does after `GROUP_EMPTY_MS_MAX`.
 */
export async function goOnFrom(kafka: string, server: ClickHouseOptions): Promise<void> {
  const admin = new KafkaAdmin(
    createKafka({ brokers: [kafka], clientId: 'tally-cli', log: createLog('tally', 'error') }),
  );
  const clickhouse = new ClickHouse(server);
  const deadline = Date.now() + GROUP_EMPTY_MS_MAX;
  const { interactions, profiles } = topicNames();
  try {
    for (const topic of [interactions, profiles]) {
      await retryForever(() => rewindLog({ admin, clickhouse, groupId: GROUP, topic }), {
        waitMsFirst: GROUP_POLL_MS,
        waitMsMax: GROUP_POLL_MS,
        isRetriable: (error) => error instanceof TallyError && error.code === 'GROUP_ACTIVE' && Date.now() < deadline,
      });
    }
  } finally {
    await clickhouse.close();
    await admin.close();
  }
}
