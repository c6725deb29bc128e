import type { z } from 'zod';
import type { clickhouseConfig } from '../config.ts';
import { TallyError } from '../errors.ts';
import type { ClickHouseOptions } from './client.ts';

/** How a service's configuration says to reach ClickHouse. Throws `CONFIG_INVALID` where its parts do not fit. */
export function clickhouseOptions(config: z.infer<typeof clickhouseConfig>): ClickHouseOptions {
  const { TALLY_CLICKHOUSE_URL: url, TALLY_CLICKHOUSE_SHARDS: shards } = config;
  if (shards !== undefined && sameServer(shards[0]) !== sameServer(url)) {
    throw new TallyError('TALLY_CLICKHOUSE_SHARDS: the first shard must be TALLY_CLICKHOUSE_URL', {
      code: 'CONFIG_INVALID',
      retriable: false,
    });
  }
  return {
    url,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
    ...(config.TALLY_CLICKHOUSE_CA_FILE === undefined ? {} : { ca: config.TALLY_CLICKHOUSE_CA_FILE }),
    ...(shards === undefined
      ? {}
      : { shards, cluster: config.TALLY_CLICKHOUSE_CLUSTER, replicated: config.TALLY_CLICKHOUSE_REPLICATED }),
  };
}

function sameServer(url: string | undefined): string {
  return url === undefined ? '' : new URL(url).origin;
}

/** What a service is to be given in its environment to reach a database. */
export function clickhouseEnvironment({ url, database, shards, cluster }: ClickHouseOptions): Record<string, string> {
  return {
    TALLY_CLICKHOUSE_URL: url,
    TALLY_CLICKHOUSE_DATABASE: database,
    ...(shards === undefined ? {} : { TALLY_CLICKHOUSE_SHARDS: shards.join(',') }),
    ...(cluster === undefined ? {} : { TALLY_CLICKHOUSE_CLUSTER: cluster }),
  };
}
