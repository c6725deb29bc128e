/**
 * Kafka and ClickHouse for commands that work on an installation: those of the instance on a data directory, or those
 * that the environment names (`TALLY_KAFKA`, `TALLY_CLICKHOUSE_URL`, …) when it does.
 */
import { resolve } from 'node:path';
import { ClickHouse } from '@tally/platform/clickhouse';
import { clickhouseConfig, kafkaConfig, parseConfig } from '@tally/platform/config';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { type Topics, topicNames } from '@tally/schemas';
import { z } from 'zod';
import { GROUP } from './catch-up.ts';
import { runningInstance } from './instance.ts';
import { DATABASE } from './stack.ts';

const environment = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  TALLY_GROUP: z.string().min(1).default(GROUP),
});

export interface Connection {
  kafka: ReturnType<typeof createKafka>;
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  topics: Topics;
  groupId: string;
  close: () => Promise<void>;
}

/** Throws `NOT_RUNNING` when neither the environment nor the directory says where. */
export function connect(dataDir: string): Connection {
  const env = parseConfig(environment, process.env['TALLY_KAFKA'] ? process.env : instanceEnvironment(dataDir));
  const kafka = createKafka({ brokers: env.TALLY_KAFKA, clientId: 'tally-cli', log: createLog('tally', 'error') });
  const admin = new KafkaAdmin(kafka);
  const clickhouse = new ClickHouse({
    url: env.TALLY_CLICKHOUSE_URL,
    database: env.TALLY_CLICKHOUSE_DATABASE,
    username: env.TALLY_CLICKHOUSE_USER,
    password: env.TALLY_CLICKHOUSE_PASSWORD,
  });
  return {
    kafka,
    admin,
    clickhouse,
    topics: topicNames(env.TALLY_TOPIC_PREFIX),
    groupId: `${env.TALLY_TOPIC_PREFIX}${env.TALLY_GROUP}`,
    close: async () => {
      await admin.close();
      await clickhouse.close();
    },
  };
}

function instanceEnvironment(dataDir: string): Record<string, string> {
  const { kafka, clickhouse } = runningInstance(resolve(dataDir));
  return { TALLY_KAFKA: kafka, TALLY_CLICKHOUSE_URL: clickhouse, TALLY_CLICKHOUSE_DATABASE: DATABASE };
}
