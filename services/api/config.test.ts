import { parseConfig } from '@tally/platform/config';
import { describe, expect, it } from 'vitest';
import { apiConfig } from './config.ts';

const env = {
  TALLY_KAFKA: '127.0.0.1:9092',
  TALLY_CLICKHOUSE_URL: 'http://127.0.0.1:8123',
  TALLY_ADMIN_KEY: 'x'.repeat(16),
  TALLY_IDENTIFIER_SECRET: 'x'.repeat(16),
};

describe('trusted proxies', () => {
  it.each([
    ['', []],
    ['192.0.2.1', ['192.0.2.1']],
    [' 10.0.0.0/8 , 2001:db8::/32', ['10.0.0.0/8', '2001:db8::/32']],
  ])('%j is a list', (text, list) => {
    expect(parseConfig(apiConfig, { ...env, TALLY_API_TRUSTED_PROXIES: text }).TALLY_API_TRUSTED_PROXIES).toEqual(list);
  });

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/', '1', 'true', '2001:db8::/129', '10.0.0.0/8/8'])(
    '%j is refused',
    (text) => {
      const wrong = { ...env, TALLY_API_TRUSTED_PROXIES: text };
      expect(() => parseConfig(apiConfig, wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );
});

it('has limits that no dashboard comes near, and that keep strangers out', () => {
  expect(parseConfig(apiConfig, env)).toMatchObject({
    TALLY_API_REQUESTS_PER_MINUTE_MAX: 3_000,
    TALLY_API_UNKNOWN_REQUESTS_PER_MINUTE_MAX: 600,
    TALLY_WRONG_KEYS_PER_MINUTE_MAX: 60,
  });
});
