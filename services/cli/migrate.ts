/**
 * Makes everything an installation rests on: topics, tables, the table of logs. Running it again changes nothing.
 */
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { checkRestored, openLogs } from '@tally/consumer';
import { createTopics } from '@tally/kafka-topics';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';

export interface MigrateOptions {
  brokers: string[];
  topicPrefix: string;
  partitions: number;
  replicationFactor: number;
  clickhouse: ClickHouseOptions;
  log: Logger;
}

/** Returns what was made: names of topics and of migrations. */
export async function migrate(options: MigrateOptions): Promise<{ topics: string[]; migrations: string[] }> {
  const { brokers, topicPrefix, partitions, replicationFactor, log } = options;
  const admin = new KafkaAdmin(createKafka({ brokers, clientId: 'tally-migrate', log }));
  const clickhouse = new ClickHouse(options.clickhouse);
  try {
    const names = topicNames(topicPrefix);
    const topics = await createTopics(admin, { topics: names, partitions, replicationFactor });
    const migrations = await migrateClickHouse(options.clickhouse);
    await checkRestored(clickhouse);
    await openLogs(clickhouse, admin, [names.interactions, names.profiles]);
    return { topics, migrations };
  } finally {
    await clickhouse.close();
    await admin.close();
  }
}
