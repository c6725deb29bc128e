import type { z } from 'zod';
import type { clickhouseConfig } from '../config.ts';
import { TallyError } from '../errors.ts';
import type { ClickHouseOptions } from './client.ts';

/** How a service's configuration says to reach ClickHouse. Throws `CONFIG_INVALID` where its parts do not fit. */
export function clickhouseOptions(config: z.infer<typeof clickhouseConfig>): ClickHouseOptions {
  const { TALLY_CLICKHOUSE_URL: url, TALLY_CLICKHOUSE_SHARDS: shards, TALLY_CLICKHOUSE_REPLICAS: replicas } = config;
  const replicated = config.TALLY_CLICKHOUSE_REPLICATED;
  if (shards !== undefined && sameServer(shards[0]) !== sameServer(url)) {
    throw misfit('TALLY_CLICKHOUSE_SHARDS: the first shard must be TALLY_CLICKHOUSE_URL');
  }
  // Tables of one server would be made without replicas, and nobody would know before it is gone.
  if (replicated && (shards?.length ?? 0) < 2) throw misfit('TALLY_CLICKHOUSE_REPLICATED: needs two shards or more');
  if (replicas !== undefined && !replicated) {
    throw misfit('TALLY_CLICKHOUSE_REPLICAS: there are none unless TALLY_CLICKHOUSE_REPLICATED=1');
  }
  return {
    url,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
    ...(config.TALLY_CLICKHOUSE_CA_FILE === undefined ? {} : { ca: config.TALLY_CLICKHOUSE_CA_FILE }),
    ...(shards === undefined ? {} : { shards, cluster: config.TALLY_CLICKHOUSE_CLUSTER, replicated }),
    ...(replicas === undefined ? {} : { replicas }),
  };
}

function misfit(message: string): TallyError {
  return new TallyError(message, { code: 'CONFIG_INVALID', retriable: false });
}

function sameServer(url: string | undefined): string {
  return url === undefined ? '' : new URL(url).origin;
}

/** What a service is to be given in its environment to reach a database. */
export function clickhouseEnvironment(options: ClickHouseOptions): Record<string, string> {
  const { url, database, shards, cluster, replicated = false, replicas } = options;
  return {
    TALLY_CLICKHOUSE_URL: url,
    TALLY_CLICKHOUSE_DATABASE: database,
    ...(shards === undefined ? {} : { TALLY_CLICKHOUSE_SHARDS: shards.join(',') }),
    ...(cluster === undefined ? {} : { TALLY_CLICKHOUSE_CLUSTER: cluster }),
    ...(replicated ? { TALLY_CLICKHOUSE_REPLICATED: '1' } : {}),
    ...(replicas === undefined ? {} : { TALLY_CLICKHOUSE_REPLICAS: replicas.join(',') }),
  };
}
