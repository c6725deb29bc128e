import { clickhouseOptions } from '@tally/platform/clickhouse';
import { clickhouseConfig, kafkaConfig, parseConfig } from '@tally/platform/config';
import { kafkaServers } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { Command } from 'commander';
import { z } from 'zod';
import { migrate } from '../migrate.ts';
import { jsonOption, whole } from '../options.ts';

const environment = z.object({ ...kafkaConfig.shape, ...clickhouseConfig.shape });

/** `tally migrate`: topics and tables on a Kafka and a ClickHouse of one's own. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      'create topics and tables, or bring them up to date (addresses from TALLY_KAFKA, TALLY_CLICKHOUSE_URL, …)',
    )
    .option('--partitions <n>', 'partitions of each metered topic, when it is created', whole(1, 1024), 16)
    .option(
      '--replication-factor <n>',
      'copies of each topic, when it is created; default the smaller of 3 and the number of brokers',
      whole(1, 15),
    )
    .addOption(jsonOption())
    .action(async (options: { partitions: number; replicationFactor?: number; json: boolean }) => {
      const env = parseConfig(environment, process.env);
      const { topics, migrations } = await migrate({
        ...kafkaServers(env),
        topicPrefix: env.TALLY_TOPIC_PREFIX,
        partitions: options.partitions,
        replicationFactor: options.replicationFactor,
        clickhouse: clickhouseOptions(env),
        log: createLog('migrate', 'error'),
      });
      if (options.json) process.stdout.write(`${JSON.stringify({ topics, migrations })}\n`);
      else if (topics.length + migrations.length === 0) process.stdout.write('everything is up to date\n');
      else process.stdout.write([...topics, ...migrations].map((name) => `created ${name}\n`).join(''));
    });
}
