import { describe, expect, it } from 'vitest';
import { clickhouseConfig, parseConfig } from '../config.ts';
import { clickhouseEnvironment, clickhouseOptions } from './options.ts';

const SHARDS = ['http://ch-0:8123', 'http://ch-1:8123'];
const REPLICAS = ['http://ch-0b:8123', 'http://ch-1b:8123'];

describe('how to reach ClickHouse', () => {
  it.each([
    ['one server', {}],
    ['shards', { shards: SHARDS, cluster: 'usage', replicated: false }],
    ['replicas, whose tables are made ON CLUSTER', { shards: SHARDS, cluster: 'usage', replicated: true }],
    ['replicas', { shards: SHARDS, cluster: 'usage', replicated: true, replicas: REPLICAS }],
  ])('is told a service in whole: %s', (_, cluster) => {
    const options = { url: 'http://ch-0:8123', database: 'usage', ...cluster };
    const told = clickhouseOptions(parseConfig(clickhouseConfig, clickhouseEnvironment(options)));
    expect(told).toEqual({ ...options, username: 'default', password: '' });
  });

  it.each([
    ['replicas of one server', { TALLY_CLICKHOUSE_REPLICATED: '1' }],
    [
      'replicas of one shard',
      { TALLY_CLICKHOUSE_REPLICATED: '1', TALLY_CLICKHOUSE_SHARDS: SHARDS.slice(0, 1).join(',') },
    ],
    [
      'further servers of shards without replicas',
      { TALLY_CLICKHOUSE_SHARDS: SHARDS.join(','), TALLY_CLICKHOUSE_REPLICAS: REPLICAS.join(',') },
    ],
    ['another first shard', { TALLY_CLICKHOUSE_SHARDS: SHARDS.toReversed().join(',') }],
  ])('is refused for %s', (_, env) => {
    const attempt = () =>
      clickhouseOptions(parseConfig(clickhouseConfig, { TALLY_CLICKHOUSE_URL: SHARDS[0] ?? '', ...env }));
    expect(attempt).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', retriable: false }));
  });
});
