import { parseConfig } from '@tally/platform/config';
import { describe, expect, it } from 'vitest';
import { gatewayConfig } from './config.ts';

const REQUIRED = { TALLY_KAFKA: 'localhost:9092', TALLY_ADMIN_KEY: 'an-admin-key-of-some-length' };
const KEY = 'YWJjZGVmZ2hpamtsbW5v==';

describe('gatewayConfig', () => {
  it('has the defaults that are written down', () => {
    expect(parseConfig(gatewayConfig, REQUIRED)).toMatchObject({
      TALLY_GATEWAY_HOST: '127.0.0.1',
      TALLY_GATEWAY_PORT: 8081,
      TALLY_GATEWAY_BODY_BYTES_MAX: 5_242_880,
      TALLY_GATEWAY_BATCH_EVENTS_MAX: 5_000,
      TALLY_GATEWAY_DELIVERY_TIMEOUT_MS: 10_000,
      TALLY_PRODUCER_KEYS: new Map(),
    });
  });

  it('reads producers’ keys, a key with = at its end as well', () => {
    const TALLY_PRODUCER_KEYS = `${KEY}=acme|acme-test, second-key-for-all-=*`;
    expect(parseConfig(gatewayConfig, { ...REQUIRED, TALLY_PRODUCER_KEYS }).TALLY_PRODUCER_KEYS).toEqual(
      new Map<string, unknown>([
        [KEY, new Set(['acme', 'acme-test'])],
        ['second-key-for-all-', '*'],
      ]),
    );
  });

  it.each([
    ['a short admin key', { TALLY_ADMIN_KEY: 'fifteen-letters' }, 'TALLY_ADMIN_KEY'],
    ['a short producer key', { TALLY_PRODUCER_KEYS: 'short=acme' }, 'entry 1'],
    ['a key without tenants', { TALLY_PRODUCER_KEYS: `${KEY}=acme,abcdefghijklmnopq` }, 'entry 2'],
    ['an empty tenant', { TALLY_PRODUCER_KEYS: 'abcdefghijklmnopq=acme|' }, 'entry 1'],
    ['an empty entry', { TALLY_PRODUCER_KEYS: `${KEY}=acme,` }, 'entry 2'],
    ['a key twice', { TALLY_PRODUCER_KEYS: `${KEY}=a,${KEY}=b` }, 'twice'],
    ['the admin key', { TALLY_PRODUCER_KEYS: `${REQUIRED.TALLY_ADMIN_KEY}=acme` }, 'admin key'],
    ['less room than a batch', { TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX: '4999' }, 'TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX'],
  ])('refuses %s and does not show a key', (_name, env, words) => {
    const parse = () => parseConfig(gatewayConfig, { ...REQUIRED, ...env });
    expect(parse).toThrow(words);
    expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining(KEY) }));
  });
});
