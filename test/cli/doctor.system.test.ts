/**
 * `tally doctor` on a system that is well and on ones that are broken, each in one way: it names that way alone.
 */
import { randomBytes } from 'node:crypto';
import { examineAll } from '@tally/cli/doctor';
import type { RunningConsumer } from '@tally/consumer';
import { createTopics } from '@tally/kafka-topics';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { METERED_TOPIC_SETTINGS } from '@tally/schemas';
import { lookForAlerts } from '@tally/watch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions, eventually, freshTenant, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const PARTITIONS = 2;
const EVENTS = 40;
const GARBAGE = 150;
const NOBODY_LISTENS = '127.0.0.1:1';

interface Wrong {
  kafka?: string;
  url?: string;
  database?: string;
  password?: string;
  sessionTimeout?: string;
}

type Examination = Awaited<ReturnType<typeof examineAll>>;

describe('tally doctor', () => {
  let system: TestSystem;
  let consumer: RunningConsumer;
  let env: Record<string, string>;
  const tenantId = freshTenant('doctor');

  beforeAll(async () => {
    system = await TestSystem.create('doctor', { partitions: PARTITIONS });
    const secret = (): string => randomBytes(24).toString('hex');
    env = { ...system.env, TALLY_ADMIN_KEY: secret(), TALLY_IDENTIFIER_SECRET: secret() };
    consumer = await system.consumer();
    await send(0, EVENTS);
    await system.caughtUp();
  });

  afterAll(() => system.close());

  async function send(from: number, to: number): Promise<void> {
    const producer = system.producer();
    const sent = [];
    for (let index = from; index < to; index++) {
      const entity = { tenantId, environmentId: 'prod', entityType: 'contact', entityId: `c${index}` } as const;
      sent.push(producer.email({ ...entity, eventId: `e${index}`, occurredAt: new Date() }));
    }
    await Promise.all(sent);
  }

  const examine = (): Promise<Examination> => examineAll({ ...system, env, dataDir: undefined, clock: Date.now });

  /** With other addresses than those of the system. */
  async function examineWith(wrong: Wrong): Promise<Examination> {
    const brokers = [wrong.kafka ?? system.env['TALLY_KAFKA'] ?? ''];
    const silent = createLog('test', 'silent');
    const kafka = createKafka({ brokers, clientId: 'doctor', log: silent, requestTimeoutMs: 5_000, retries: 1 });
    const admin = new KafkaAdmin(kafka);
    const { database = system.clickhouse.database, password = '' } = wrong;
    const options = databaseOptions(database);
    const clickhouse = new ClickHouse({ ...options, url: wrong.url ?? options.url, password });
    try {
      const asked = wrong.sessionTimeout ? { ...env, TALLY_SESSION_TIMEOUT_MS: wrong.sessionTimeout } : env;
      return await examineAll({ ...system, kafka, admin, clickhouse, env: asked, dataDir: undefined, clock: Date.now });
    } finally {
      await admin.close();
      await clickhouse.close();
    }
  }

  /** The codes of all that fails, and of what is only warned of. */
  function told({ checks }: Examination): { failing: string[]; warnings: string[] } {
    const codes = (severity: string): string[] => [
      ...new Set(
        checks.flatMap(({ findings }) => findings.filter((one) => one.severity === severity)).map(({ code }) => code),
      ),
    ];
    return { failing: codes('failing'), warnings: codes('warning') };
  }

  async function expectOnly(code: string): Promise<void> {
    const examination = await examine();
    expect(told(examination), JSON.stringify(examination.checks, null, 1)).toEqual({ failing: [code], warnings: [] });
  }

  const run = (sql: string): Promise<void> => system.clickhouse.command(sql);
  /** Where partition 0 is, on a cluster as on one server. */
  const runOnShard = (sql: string): Promise<void> => system.clickhouse.shardOf(0).command(sql);

  /** Breaks something, sees that nothing else is found, and mends it. */
  async function broken(code: string, breaking: () => Promise<void>, mending: () => Promise<void>): Promise<void> {
    await breaking();
    try {
      await expectOnly(code);
    } finally {
      await mending();
    }
  }

  async function alterTopic(settings: Readonly<Record<string, string>>): Promise<void> {
    const admin = system.kafka.admin();
    await admin.connect();
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: system.topics.interactions, configEntries }],
    });
    await admin.disconnect();
    await eventually(async () => {
      expect(await system.admin.topicSettings(system.topics.interactions)).toMatchObject(settings);
    });
  }

  it('says that the aggregator never ran', async () => {
    await lookForAlerts({ ...system, graceDays: 3, clock: Date.now, log: createLog('test', 'silent') });
    await expectOnly('AGGREGATOR_NEVER_RAN');
  });

  it('finds nothing on a system that is well, and ends with 0', async () => {
    await system.aggregate();
    const { exitCode, stdout } = await tallyWith(env, 'doctor', '--json');
    const examination = JSON.parse(stdout) as Examination;
    expect(told(examination), stdout).toEqual({ failing: [], warnings: [] });
    expect(examination.checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(examination.state).toBe('ok');
    expect(exitCode).toBe(0);
  });

  it('says what is wrong, what to do and where that is explained, and ends with 1', async () => {
    await runOnShard('ALTER TABLE interactions MODIFY SETTING fsync_after_insert = 0');
    try {
      const { exitCode, stdout } = await tallyWith(env, 'doctor');
      expect(stdout).toMatch(/│ durability +│ FAILING DURABILITY_SETTINGS +│/);
      expect(stdout).toMatch(/^DURABILITY_SETTINGS: .*table interactions does not have fsync_after_insert = 1/m);
      expect(stdout).toContain('see: docs/runbooks.md#durability_settings');
      expect(stdout).toContain('1 failing, 0 not checked');
      expect(exitCode).toBe(1);
    } finally {
      await runOnShard('ALTER TABLE interactions MODIFY SETTING fsync_after_insert = 1');
    }
  });

  it.each([
    ['KAFKA_UNREACHABLE', { kafka: NOBODY_LISTENS }],
    ['CLICKHOUSE_UNREACHABLE', { url: `http://${NOBODY_LISTENS}` }],
    ['CLICKHOUSE_CREDENTIALS', { password: 'not the one' }],
    ['DATABASE_MISSING', { database: 'never_made' }],
    ['SETTINGS_INVALID', { sessionTimeout: 'soon' }],
  ])('tells %s with %o, and does not call well what it could not look at', async (code, wrong) => {
    const examination = await examineWith(wrong);
    expect(told(examination).failing, JSON.stringify(examination)).toEqual([code]);
    const state = (name: string) => examination.checks.find(({ check }) => check === name)?.state;
    expect([state('log identity'), state('ledger'), state('consumers')]).toEqual(Array(3).fill('not checked'));
  });

  it('tells a setting with which it does not know where to look', async () => {
    const { exitCode, stdout } = await tallyWith({ ...env, TALLY_KAFKA: 'no port' }, 'doctor', '--json');
    expect(told(JSON.parse(stdout) as Examination).failing).toEqual(['SETTINGS_INVALID']);
    expect(exitCode).toBe(1);
  });

  it('ends with 2 where nothing says where to look', async () => {
    const { exitCode, stdout } = await tallyWith({}, 'doctor', '--json', '--data', '/nonexistent/tally');
    expect(JSON.parse(stdout)).toMatchObject({ state: 'not checked' });
    expect(exitCode).toBe(2);
  });

  it('warns of secrets out of an example, or short ones', async () => {
    const examination = await examineAll({
      ...system,
      env: { ...env, TALLY_ADMIN_KEY: 'change-me-change-me-change-me', TALLY_IDENTIFIER_SECRET: 'k3v9x0q7w1z5b8n2' },
      dataDir: undefined,
      clock: Date.now,
    });
    expect(told(examination)).toEqual({ failing: [], warnings: ['SECRET_EXAMPLE', 'SECRET_SHORT'] });
  });

  it('tells a topic that is missing', () =>
    broken(
      'TOPIC_MISSING',
      async () => {
        await system.admin.deleteTopics([system.topics.alerts]);
        await eventually(async () => expect(await system.admin.topics()).not.toContain(system.topics.alerts));
      },
      async () => {
        const { topics, admin } = system;
        await createTopics(admin, { topics, partitions: PARTITIONS, replicationFactor: 1 });
      },
    ));

  it.each([
    ['TOPIC_TIMESTAMP_TYPE', { 'message.timestamp.type': 'CreateTime' }],
    ['TOPIC_RETENTION', { 'retention.ms': String(24 * 3_600_000) }],
    ['TOPIC_CLEANUP_POLICY', { 'cleanup.policy': 'compact,delete' }],
  ])('tells %s', (code, wrong) =>
    broken(
      code,
      () => alterTopic({ ...METERED_TOPIC_SETTINGS, ...wrong }),
      () => alterTopic(METERED_TOPIC_SETTINGS),
    ),
  );

  it.each([
    [
      'MIGRATION_MISSING',
      "ALTER TABLE schema_migrations DELETE WHERE name LIKE '0032%' SETTINGS mutations_sync = 2",
      'INSERT INTO schema_migrations SELECT * FROM kept_migrations',
    ],
    [
      'MIGRATION_CHANGED',
      "ALTER TABLE schema_migrations UPDATE digest = 'another' WHERE name LIKE '0003%' SETTINGS mutations_sync = 2",
      'INSERT INTO schema_migrations SELECT * FROM kept_migrations',
    ],
    [
      'MIGRATION_NEWER',
      "INSERT INTO schema_migrations (name, digest) VALUES ('9999_of_tomorrow.sql', 'x')",
      "ALTER TABLE schema_migrations DELETE WHERE name LIKE '9999%' SETTINGS mutations_sync = 2",
    ],
    [
      'KEY_SCHEME_DIFFERS',
      "INSERT INTO key_schemes VALUES ('sha256')",
      "ALTER TABLE key_schemes DELETE WHERE scheme = 'sha256' SETTINGS mutations_sync = 2",
    ],
    ['TABLE_MISSING', 'RENAME TABLE alert_silences TO kept_silences', 'RENAME TABLE kept_silences TO alert_silences'],
    ['VIEW_MISSING', 'RENAME TABLE entity_months_view TO kept_view', 'RENAME TABLE kept_view TO entity_months_view'],
    [
      'RESTORE_UNFINISHED',
      'CREATE TABLE restore_under_way (at DateTime) ENGINE = MergeTree ORDER BY at SETTINGS fsync_after_insert = 1, fsync_part_directory = 1',
      'DROP TABLE restore_under_way SYNC',
    ],
    [
      'LEDGER_UNBALANCED',
      `INSERT INTO log_outcomes
       SELECT epoch, partition, bucket, 'duplicate', bitmapSubsetLimit(groupBitmapMergeState(positions), 0, 1), 0
       FROM log_outcomes WHERE epoch = 1 AND partition = 0 GROUP BY epoch, partition, bucket`,
      "ALTER TABLE log_outcomes DELETE WHERE outcome = 'duplicate' SETTINGS mutations_sync = 2",
    ],
  ])('tells %s', async (code, breaking, mending) => {
    const isOfLog = ['KEY_SCHEME_DIFFERS', 'VIEW_MISSING', 'LEDGER_UNBALANCED'].includes(code);
    const there = isOfLog ? runOnShard : run;
    const settings = 'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1';
    await run(
      `CREATE OR REPLACE TABLE kept_migrations ENGINE = MergeTree ORDER BY name ${settings} AS SELECT * FROM schema_migrations`,
    );
    await broken(
      code,
      () => there(breaking),
      () => there(mending),
    );
  });

  it('is well again after all of that', async () => {
    const examination = await examine();
    expect(told(examination), JSON.stringify(examination.checks)).toEqual({ failing: [], warnings: [] });
  });

  it('tells consumers that are not there while records wait, and counts them when they are back', async () => {
    await consumer.stop();
    expect(told(await examine())).toEqual({ failing: [], warnings: ['CONSUMER_ABSENT'] });
    await send(EVENTS, 2 * EVENTS);
    await expectOnly('CONSUMER_ABSENT');
    consumer = await system.consumer();
    await system.caughtUp();
    expect(told(await examine())).toEqual({ failing: [], warnings: [] });
  });

  it('tells offsets that were moved ahead', async () => {
    const { admin, groupId, topics } = system;
    await consumer.stop();
    const whole = await admin.committed(groupId, topics.interactions);
    const ahead = new Map([...whole].map(([partition, offset]) => [partition, offset + 5n]));
    await send(2 * EVENTS, 3 * EVENTS);
    await admin.setCommitted(groupId, topics.interactions, ahead);
    const examination = await examine();
    expect(told(examination).failing).toEqual(['OFFSETS_SKIPPED', 'CONSUMER_ABSENT']);
    await admin.setCommitted(groupId, topics.interactions, whole);
    consumer = await system.consumer();
    await system.caughtUp();
  });

  it('tells dead letters that pile up', async () => {
    await system.sender.send(
      Array.from({ length: GARBAGE }, (_, index) => ({
        topic: system.topics.interactions,
        key: Buffer.from(`k${index}`),
        value: Buffer.from([index]),
      })),
    );
    await system.caughtUp();
    await expectOnly('DEAD_LETTERS_GROWING');
  });

  it('tells a topic that was recreated below the counted positions', async () => {
    const { admin, topics } = system;
    await consumer.stop();
    await admin.deleteTopics([topics.interactions]);
    await eventually(async () => {
      expect(await createTopics(admin, { topics, partitions: PARTITIONS, replicationFactor: 1 })).toHaveLength(1);
    });
    expect(told(await examine()).failing).toEqual(['LOG_RECREATED']);
  });
});
