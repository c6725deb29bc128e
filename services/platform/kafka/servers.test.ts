import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaConfig, parseConfig } from '../config.ts';
import { connectionOf, kafkaServers } from './servers.ts';

const PEM = '-----BEGIN CERTIFICATE-----\n';
const dir = mkdtempSync(join(tmpdir(), 'tally-servers-'));
const pem = join(dir, 'pem');
const other = join(dir, 'other');
const password = join(dir, 'password');

beforeAll(() => {
  writeFileSync(pem, PEM);
  writeFileSync(other, 'nothing of that kind');
  writeFileSync(password, 'secret\n');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const read = (env: Record<string, string>) =>
  kafkaServers(parseConfig(kafkaConfig, { TALLY_KAFKA: 'a:1,b:2', ...env }));
const SCRAM = { TALLY_KAFKA_SASL_MECHANISM: 'scram-sha-256', TALLY_KAFKA_SASL_USER: 'u' };

describe('how the brokers are spoken to', () => {
  it('is plain, and nobody is named, unless the environment says otherwise', () => {
    expect(read({})).toEqual({ brokers: ['a:1', 'b:2'] });
  });

  it('takes certificates and the password from files', () => {
    const env = {
      TALLY_KAFKA_TLS: '1',
      TALLY_KAFKA_CA_FILE: pem,
      TALLY_KAFKA_CERT_FILE: pem,
      TALLY_KAFKA_KEY_FILE: pem,
    };
    expect(read({ ...env, ...SCRAM, TALLY_KAFKA_SASL_PASSWORD_FILE: password })).toEqual({
      brokers: ['a:1', 'b:2'],
      tls: { ca: PEM, cert: PEM, key: PEM },
      sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'secret' },
    });
  });

  it.each([
    ['certificates without TLS', () => ({ TALLY_KAFKA_CA_FILE: pem }), 'TALLY_KAFKA_TLS'],
    [
      'a certificate without its key',
      () => ({ TALLY_KAFKA_TLS: '1', TALLY_KAFKA_CERT_FILE: pem }),
      'TALLY_KAFKA_CERT_FILE',
    ],
    ['a mechanism without a password', () => SCRAM, 'TALLY_KAFKA_SASL_USER'],
    ['a user without a mechanism', () => ({ TALLY_KAFKA_SASL_USER: 'u' }), 'TALLY_KAFKA_SASL_MECHANISM'],
    ['a file that is no PEM', () => ({ TALLY_KAFKA_TLS: '1', TALLY_KAFKA_CA_FILE: other }), 'is not a PEM file'],
    ['a file that is not there', () => ({ TALLY_KAFKA_TLS: '1', TALLY_KAFKA_CA_FILE: '/nowhere' }), 'ENOENT'],
    [
      'a password and a file with one',
      () => ({ ...SCRAM, TALLY_KAFKA_SASL_PASSWORD: 'x', TALLY_KAFKA_SASL_PASSWORD_FILE: password }),
      'TALLY_KAFKA_SASL_PASSWORD_FILE',
    ],
    ['a password’s file that is not there', () => ({ ...SCRAM, TALLY_KAFKA_SASL_PASSWORD_FILE: '/nowhere' }), 'ENOENT'],
  ])('is refused: %s', (_, env, told) => {
    expect(() => read(env())).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(told) }),
    );
  });

  it('may name several brokers in one text, as an instance does', () => {
    expect(connectionOf({ brokers: ['a:1,b:2', 'c:3'] }).brokers).toEqual(['a:1', 'b:2', 'c:3']);
  });
});
