/**
 * Kafka and ClickHouse for commands that work on an installation: those of the instance on a data directory, or those
 * that the environment names (`TALLY_KAFKA`, `TALLY_CLICKHOUSE_URL`, …) when it does.
 */
import { resolve } from 'node:path';
import { copyHomeTables, migrateClickHouse } from '@tally/clickhouse-schema';
import {
  ClickHouse,
  type ClickHouseOptions,
  clickhouseEnvironment,
  clickhouseOptions,
} from '@tally/platform/clickhouse';
import { clickhouseConfig, kafkaConfig, parseConfig, secretOf } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { type Topics, topicNames } from '@tally/schemas';
import { z } from 'zod';
import { GROUP } from './catch-up.ts';
import { databaseOf, runningInstance, secretsOf } from './instance.ts';

const environment = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  TALLY_GROUP: z.string().min(1).default(GROUP),
});

export interface Connection {
  kafka: ReturnType<typeof createKafka>;
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  /** How it is reached. */
  clickhouseOptions: ClickHouseOptions;
  topics: Topics;
  groupId: string;
  /** Key of the identifiers' hashes. Throws `IDENTIFIER_SECRET_MISSING`. */
  identifierSecret: () => string;
  /** A database that does not exist yet, with empty tables, the same epochs and the same erasures. */
  emptyDatabase: (database: string) => Promise<ClickHouse>;
  close: () => Promise<void>;
}

/** For whoever wants to know soon that a server is away: milliseconds, and the client's own tries. */
const IMPATIENT = { requestTimeoutMs: 5_000, retries: 1 } as const;

interface ConnectOptions {
  /** Whether to wait for Kafka to come back; default true. */
  patient?: boolean;
  /** Instead of the instance's or the environment's. */
  database?: string;
}

/**
 * Throws `NOT_RUNNING` when neither the environment nor the directory says where, `CONFIG_INVALID` when the environment
 * says it wrongly.
 */
export function connect(dataDir: string, { database, ...options }: ConnectOptions = {}): Connection {
  const said = process.env['TALLY_KAFKA'] ? process.env : instanceEnvironment(dataDir);
  return connectTo(dataDir, database === undefined ? said : { ...said, TALLY_CLICKHOUSE_DATABASE: database }, options);
}

/** The same where the addresses are known: `said` has them as the environment would. */
export function connectTo(
  dataDir: string,
  said: Readonly<Record<string, string | undefined>>,
  { patient = true }: Pick<ConnectOptions, 'patient'> = {},
): Connection {
  const env = parseConfig(environment, said);
  const kafka = createKafka({
    ...kafkaServers(env),
    clientId: 'tally-cli',
    log: createLog('tally', 'error'),
    ...(patient ? {} : IMPATIENT),
  });
  const admin = new KafkaAdmin(kafka);
  const server = clickhouseOptions(env);
  const clickhouse = new ClickHouse(server);
  return {
    kafka,
    admin,
    clickhouse,
    clickhouseOptions: server,
    topics: topicNames(env.TALLY_TOPIC_PREFIX),
    groupId: `${env.TALLY_TOPIC_PREFIX}${env.TALLY_GROUP}`,
    identifierSecret: () => {
      const secret = process.env['TALLY_KAFKA']
        ? secretOf(process.env, 'TALLY_IDENTIFIER_SECRET')
        : secretsOf(resolve(dataDir)).identifierSecret;
      if (secret !== undefined) return secret;
      throw new TallyError('TALLY_IDENTIFIER_SECRET is not set: identifiers would get other hashes', {
        code: 'IDENTIFIER_SECRET_MISSING',
        retriable: false,
      });
    },
    emptyDatabase: (database) => createEmptyDatabase(clickhouse, { ...server, database }),
    close: async () => {
      await admin.close();
      await clickhouse.close();
    },
  };
}

function instanceEnvironment(dataDir: string): Record<string, string> {
  const instance = runningInstance(resolve(dataDir));
  return { TALLY_KAFKA: instance.kafka, ...clickhouseEnvironment(databaseOf(instance)) };
}

async function createEmptyDatabase(
  live: ClickHouse,
  options: ConstructorParameters<typeof ClickHouse>[0],
): Promise<ClickHouse> {
  const { known } = await live.queryOne<{ known: string }>(
    'SELECT count() AS known FROM system.databases WHERE name = {database:String}',
    { database: options.database },
  );
  if (known !== '0') {
    throw new TallyError(`database ${options.database} exists already`, { code: 'DATABASE_EXISTS', retriable: false });
  }
  await migrateClickHouse(options);
  const target = new ClickHouse(options);
  // What the log does not hold: its epochs, what people decided, what was published and told.
  await copyHomeTables(target, live.database);
  return target;
}
