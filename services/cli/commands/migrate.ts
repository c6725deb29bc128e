import { clickhouseOptions } from '@tally/platform/clickhouse';
import { clickhouseConfig, kafkaConfig, parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { kafkaServers } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { Command } from 'commander';
import { z } from 'zod';
import { type MigrateOptions, migrate } from '../migrate.ts';
import { jsonOption, whole } from '../options.ts';

const WAIT_SECONDS_MAX = 3_600;
const RETRY_MS = { waitMsFirst: 200, waitMsMax: 2_000 } as const;

const environment = z.object({ ...kafkaConfig.shape, ...clickhouseConfig.shape });

interface MigrateCommandOptions {
  partitions: number;
  replicationFactor?: number;
  wait: number;
  json: boolean;
}

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
    .option(
      '--wait <seconds>',
      'how long to wait for a Kafka or a ClickHouse that is not there yet',
      whole(0, WAIT_SECONDS_MAX),
      0,
    )
    .addOption(jsonOption())
    .action(async (options: MigrateCommandOptions) => {
      const env = parseConfig(environment, process.env);
      const what: MigrateOptions = {
        ...kafkaServers(env),
        topicPrefix: env.TALLY_TOPIC_PREFIX,
        partitions: options.partitions,
        replicationFactor: options.replicationFactor,
        clickhouse: clickhouseOptions(env),
        log: createLog('migrate', 'error'),
      };
      const { topics, migrations } = await withinTime(options.wait * 1_000, () => migrate(what));
      if (options.json) process.stdout.write(`${JSON.stringify({ topics, migrations })}\n`);
      else if (topics.length + migrations.length === 0) process.stdout.write('everything is up to date\n');
      else process.stdout.write([...topics, ...migrations].map((name) => `created ${name}\n`).join(''));
    });
}

/** Everything it does may be done again, so a server that is only starting costs nothing but time. */
function withinTime<Result>(msMax: number, work: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + msMax;
  const isRetriable = (error: unknown): boolean =>
    error instanceof TallyError && error.retriable && Date.now() < deadline;
  return retryForever(work, { ...RETRY_MS, isRetriable });
}
