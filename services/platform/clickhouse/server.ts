/**
 * The ClickHouse that the environment names, as every service reads it.
 */
import type { z } from 'zod';
import type { clickhouseConfig } from '../config.ts';
import type { ClickHouseOptions } from './client.ts';

export function clickhouseServer(config: z.infer<typeof clickhouseConfig>): ClickHouseOptions {
  const ca = config.TALLY_CLICKHOUSE_CA_FILE;
  return {
    url: config.TALLY_CLICKHOUSE_URL,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
    ...(ca === undefined ? {} : { ca }),
  };
}
