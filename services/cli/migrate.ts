/**
 * Makes everything an installation rests on: topics, tables, the table of logs. Running it again changes nothing.
 */
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { checkRestored, openLogs } from '@tally/consumer';
import { createTopics } from '@tally/kafka-topics';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin, type KafkaServers } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';

export interface MigrateOptions extends KafkaServers {
  topicPrefix: string;
  partitions: number;
  /** Copies of each topic that is created. Default: the smaller of 3 and the number of brokers. */
  replicationFactor?: number | undefined;
  clickhouse: ClickHouseOptions;
  log: Logger;
}

/** Returns what was made: names of topics and of migrations. */
export async function migrate(options: MigrateOptions): Promise<{ topics: string[]; migrations: string[] }> {
  const { topicPrefix, partitions, replicationFactor, log, clickhouse: database, ...servers } = options;
  const admin = new KafkaAdmin(createKafka({ ...servers, clientId: 'tally-migrate', log }));
  const clickhouse = new ClickHouse(database);
  try {
    const names = topicNames(topicPrefix);
    const topics = await createTopics(admin, { topics: names, partitions, replicationFactor });
    const migrations = await migrateClickHouse(database);
    await checkRestored(clickhouse);
    await openLogs(clickhouse, admin, [names.interactions, names.profiles]);
    return { topics, migrations };
  } finally {
    await clickhouse.close();
    await admin.close();
  }
}
