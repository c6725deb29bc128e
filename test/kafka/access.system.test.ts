/**
 * Kafka with TLS and SASL and ClickHouse with TLS: the whole way works, and whoever is not let in is told why, at once, by
 * a code of its own.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalStack, startLocalStack } from '@tally/local';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin, Sender } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { connectProducer } from '@tally/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, makeAuthority, type Signed } from '../support/certificates.ts';
import { givesUpWith, startServices } from '../support/services.ts';
import { someOf } from '../support/some-of.ts';
import { eventually } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const log = createLog('test', process.env['TALLY_TEST_LOG'] ?? 'silent');
const USER = 'journeys';
const PASSWORD = 'a, password=with "marks"'.replaceAll(/[^a-z-]/g, '-');
/** Some tries of the client's own, three seconds, and a start on a busy machine. */
const GIVES_UP_MS_MAX = 40_000;
const ADMIN_KEY = 'test-admin-key-of-16';
const DATABASE = 'secured';

const dir = mkdtempSync(join(tmpdir(), 'tally-access-'));
const cleanUps: (() => Promise<void>)[] = [];
let stack: LocalStack;
let trusted: Authority;
let client: Signed;
let strangers: Authority;
let files: Record<'ca' | 'cert' | 'key' | 'strangersCa' | 'password' | 'admin', string>;
let clickhouseUrl: string;

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

/** TLS in front of the engine's plain HTTP port, which has none of its own. */
async function tlsInFrontOf(plainUrl: string, identity: Signed): Promise<Server> {
  const server = createServer(identity, (asked, answer) => {
    const passed = request(
      `${plainUrl}${asked.url}`,
      { method: asked.method ?? 'GET', headers: asked.headers },
      (given) => {
        answer.writeHead(given.statusCode ?? 500, given.headers);
        given.pipe(answer);
      },
    );
    passed.once('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

beforeAll(async () => {
  trusted = await makeAuthority('the authority');
  strangers = await makeAuthority('another authority');
  const broker = await trusted.sign('broker');
  client = await trusted.sign('tally');
  files = {
    ca: file('ca.pem', trusted.ca),
    cert: file('client.pem', client.cert),
    key: file('client.key', client.key),
    strangersCa: file('strangers.pem', strangers.ca),
    password: file('password', `${PASSWORD}\n`),
    admin: file('admin-key', `${ADMIN_KEY}\n`),
  };
  stack = await startLocalStack({
    dataDir: join(dir, 'data'),
    kafkaHeapMiBMax: 256,
    kafkaSecured: { keyStore: `${broker.key}\n${broker.cert}`, clientCa: trusted.ca, user: USER, password: PASSWORD },
  });
  const front = await tlsInFrontOf(stack.clickhouseUrl, await trusted.sign('clickhouse'));
  cleanUps.push(
    async () => void front.closeAllConnections(),
    async () => void front.close(),
  );
  clickhouseUrl = `https://127.0.0.1:${(front.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The environment of a service that may do everything, secrets in files. */
function secured(change: Record<string, string> = {}): Record<string, string> {
  return {
    TALLY_KAFKA: stack.kafkaSecured,
    TALLY_KAFKA_TLS: '1',
    TALLY_KAFKA_CA_FILE: files.ca,
    TALLY_KAFKA_CERT_FILE: files.cert,
    TALLY_KAFKA_KEY_FILE: files.key,
    TALLY_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    TALLY_KAFKA_SASL_USER: USER,
    TALLY_KAFKA_SASL_PASSWORD_FILE: files.password,
    TALLY_CLICKHOUSE_URL: clickhouseUrl,
    TALLY_CLICKHOUSE_CA_FILE: files.ca,
    TALLY_CLICKHOUSE_DATABASE: DATABASE,
    TALLY_ADMIN_KEY_FILE: files.admin,
    TALLY_IDENTIFIER_SECRET: 'test-identifier-secret',
    TALLY_LOG_LEVEL: 'warn',
    ...change,
  };
}

const event = (id: string) => ({
  tenantId: 'contoso',
  environmentId: 'prod',
  entityType: 'contact' as const,
  entityId: 'c-1',
  eventId: id,
  occurredAt: Date.UTC(2026, 2, 1),
});

describe('Kafka with TLS and SASL, ClickHouse with TLS', () => {
  it('take the whole way: migrate, producer, gateway, consumer, api', async () => {
    const migrated = await tallyWith(secured(), 'migrate', '--partitions', '2', '--json');
    expect(migrated).toMatchObject({ exitCode: 0, stderr: '' });
    const services = await startServices(['gateway', 'consumer', 'api', 'aggregator', 'notifier'], secured());
    cleanUps.push(services.stop);

    const producer = await connectProducer({
      brokers: [stack.kafkaSecured],
      tls: { ca: trusted.ca, ...client },
      sasl: { mechanism: 'scram-sha-256', username: USER, password: PASSWORD },
      log,
    });
    cleanUps.push(() => producer.close());
    await producer.email(event('by-producer'));
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const { eventId, occurredAt: _, ...data } = event('by-gateway');
    const cloudEvent = { specversion: '1.0', type: 'tally.interaction.v1', source: '/test', id: eventId };
    const taken = await fetch(`${services.url('gateway')}/v1/events`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...cloudEvent, time: '2026-03-01T00:00:00Z', data: { ...data, channel: 'email' } }),
    });
    expect(taken.status).toBe(202);
    // A repetition is looked up, by the request that the client library has no form for.
    await producer.email(event('by-producer'));
    await eventually(async () => {
      const path = '/v1/tenants/contoso/interactions?from=2026-03&to=2026-03';
      const answer = await fetch(`${services.url('api')}${path}`, { headers });
      expect(await answer.json()).toMatchObject({ months: [{ total: 2 }] });
    });
    const ledger = await tallyWith(secured(), 'log', 'list', '--json');
    expect(ledger).toMatchObject({ exitCode: 0 });
  });

  it('takes a password in plain over TLS', async () => {
    const kafka = createKafka({ ...access(), clientId: 'test', log });
    const admin = new KafkaAdmin(kafka);
    expect(await admin.clusterId()).toMatch(/^T/);
    await admin.close();
  });

  function access(change: Partial<Parameters<typeof createKafka>[0]> = {}) {
    return {
      brokers: [stack.kafkaSecured],
      tls: { ca: trusted.ca, ...client },
      sasl: { mechanism: 'plain' as const, username: USER, password: PASSWORD },
      ...change,
    };
  }

  const REFUSED: [string, string, () => Parameters<typeof access>[0], Record<string, () => string>][] = [
    [
      'a wrong password',
      'KAFKA_AUTHENTICATION_FAILED',
      () => ({ sasl: { mechanism: 'scram-sha-256', username: USER, password: 'another' } }),
      { TALLY_KAFKA_SASL_PASSWORD_FILE: () => '', TALLY_KAFKA_SASL_PASSWORD: () => 'another' },
    ],
    [
      'a certificate of another authority',
      'KAFKA_CERTIFICATE_REFUSED',
      () => ({ tls: { ca: strangers.ca, ...client } }),
      { TALLY_KAFKA_CA_FILE: () => files.strangersCa },
    ],
    [
      'no certificate of the client’s own',
      'KAFKA_CERTIFICATE_REFUSED',
      () => ({ tls: { ca: trusted.ca } }),
      { TALLY_KAFKA_CERT_FILE: () => '', TALLY_KAFKA_KEY_FILE: () => '' },
    ],
    [
      'plain text on a port with TLS',
      'KAFKA_TLS_WANTED',
      () => ({ tls: undefined, sasl: undefined }) as never,
      {
        TALLY_KAFKA_TLS: () => '0',
        TALLY_KAFKA_CA_FILE: () => '',
        TALLY_KAFKA_CERT_FILE: () => '',
        TALLY_KAFKA_KEY_FILE: () => '',
      },
    ],
    [
      'TLS on a port in plain text',
      'KAFKA_TLS_NOT_SPOKEN',
      () => ({ brokers: [stack.kafka] }),
      { TALLY_KAFKA: () => stack.kafka },
    ],
    [
      'nobody’s name on a port with SASL',
      'KAFKA_SASL_WANTED',
      () => ({ sasl: undefined }) as never,
      {
        TALLY_KAFKA_SASL_MECHANISM: () => '',
        TALLY_KAFKA_SASL_USER: () => '',
        TALLY_KAFKA_SASL_PASSWORD_FILE: () => '',
      },
    ],
  ];

  describe.each(someOf(REFUSED, 3))('that are told %s', (_, code, change, environment) => {
    const env = () => secured(Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value()])));

    it(`refuse it as ${code}, to whoever asks and whoever sends`, async () => {
      const kafka = createKafka({ ...access(change()), clientId: 'test', log });
      const admin = new KafkaAdmin(kafka);
      await expect(admin.clusterId()).rejects.toMatchObject({ code, retriable: false });
      await admin.close();
      const sender = new Sender({ kafka, log, deliveryTimeoutMs: 60_000 });
      await expect(sender.connect()).rejects.toMatchObject({ code, retriable: false });
      await sender.close();
    });

    it('are told so by the command line in one line', async () => {
      const { exitCode, stderr } = await tallyWith(env(), 'migrate');
      expect(exitCode).toBe(1);
      expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(new RegExp(`^tally: .+ \\[${code}\\]$`))]);
    });
  });

  it.each([
    [
      'wrong password',
      'KAFKA_AUTHENTICATION_FAILED',
      { TALLY_KAFKA_SASL_PASSWORD_FILE: '', TALLY_KAFKA_SASL_PASSWORD: 'x' },
    ],
    [
      'missing user',
      'KAFKA_SASL_WANTED',
      { TALLY_KAFKA_SASL_PASSWORD_FILE: '', TALLY_KAFKA_SASL_USER: '', TALLY_KAFKA_SASL_MECHANISM: '' },
    ],
  ])('end every service with a %s as a refusal, the code in its last words', async (_, code, env) => {
    const names = ['gateway', 'consumer', 'aggregator', 'notifier', 'api'];
    const codes = await Promise.all(names.map((name) => givesUpWith(name, secured(env), GIVES_UP_MS_MAX)));
    expect(codes).toEqual(names.map(() => code));
  });

  it('refuse SASL on a port without it', async () => {
    const { brokers, sasl } = access({ brokers: [stack.kafka] });
    const admin = new KafkaAdmin(createKafka({ brokers, sasl, clientId: 'test', log }));
    await expect(admin.clusterId()).rejects.toMatchObject({ code: 'KAFKA_SASL_NOT_SPOKEN', retriable: false });
    await admin.close();
  });

  it('are not taken for wrong when nobody is there', async () => {
    const admin = new KafkaAdmin(
      createKafka({ ...access({ brokers: ['127.0.0.1:9'] }), clientId: 'test', log, retries: 0 }),
    );
    await expect(admin.clusterId()).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
    await admin.close();
  });

  it.each([
    ['a certificate of another authority', () => clickhouseUrl, () => strangers.ca, 'CLICKHOUSE_CERTIFICATE_REFUSED'],
    [
      'TLS on a port in plain text',
      () => stack.clickhouseUrl.replace('http:', 'https:'),
      () => trusted.ca,
      'CLICKHOUSE_TLS_NOT_SPOKEN',
    ],
  ])('refuse a ClickHouse with %s', async (_, url, ca, code) => {
    const clickhouse = new ClickHouse({ url: url(), ca: ca(), database: 'default' });
    await expect(clickhouse.ping()).rejects.toMatchObject({ code, retriable: false });
    const table = { name: 'asked', structure: 'n UInt8', rowBinary: Buffer.from([1]) };
    await expect(clickhouse.queryWithTable('SELECT n FROM asked', table, 1)).rejects.toMatchObject({ code });
    await clickhouse.close();
  });

  it('keep the password out of the logs', () => {
    const logged = readFileSync(join(dir, 'data', 'logs', 'kafka.log'), 'utf8');
    expect(logged).not.toContain(PASSWORD);
  });
});
