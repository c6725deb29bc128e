/**
 * `tally doctor` on a cluster of ClickHouse servers that is well, and on ones that are broken, each in one way. Only where
 * the tests run on several: `npm run test:shards`.
 */
import { randomBytes } from 'node:crypto';
import { examineAll } from '@tally/cli/doctor';
import { migrateClickHouse } from '@tally/clickhouse-schema';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { createLog } from '@tally/platform/log';
import { lookForAlerts } from '@tally/watch';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { interaction } from '../support/interaction.ts';
import { databaseOptions, dropDatabase, eventually, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const EVENTS = 20;
const NOBODY_LISTENS = 'http://127.0.0.1:1';

type Examination = Awaited<ReturnType<typeof examineAll>>;

describe.skipIf(inject('clickhouseShards').length < 2)('tally doctor on several servers', () => {
  let system: TestSystem;
  let options: ClickHouseOptions;
  let env: Record<string, string>;

  beforeAll(async () => {
    system = await TestSystem.create('doctor_shards');
    options = databaseOptions(system.clickhouse.database);
    const secret = (): string => randomBytes(24).toString('hex');
    env = { ...system.env, TALLY_ADMIN_KEY: secret(), TALLY_IDENTIFIER_SECRET: secret() };
    await system.consumer();
    const producer = system.producer();
    for (let index = 0; index < EVENTS; index++) {
      const value = interaction({ tenantId: 'doctor', entityId: `c${index}`, eventId: `e${index}` });
      await producer.send({ schema: 'Interaction', value });
    }
    await system.caughtUp();
    await system.aggregate();
    await lookForAlerts({ ...system, graceDays: 3, clock: Date.now, log: createLog('test', 'silent') });
  });

  afterAll(() => system.close());

  /** With clients of its own: what one has found is kept. */
  async function examine(change: Partial<ClickHouseOptions> = {}): Promise<Examination> {
    const clickhouse = new ClickHouse({ ...options, ...change });
    try {
      return await examineAll({ ...system, clickhouse, env, dataDir: undefined, clock: Date.now });
    } finally {
      await clickhouse.close();
    }
  }

  const codesOf = ({ checks }: Examination): string[] => [
    ...new Set(checks.flatMap(({ findings }) => findings.map(({ code }) => code))),
  ];

  async function expectOnly(code: string, change: Partial<ClickHouseOptions> = {}): Promise<string> {
    const examination = await examine(change);
    expect(codesOf(examination), JSON.stringify(examination.checks, null, 1)).toEqual([code]);
    return examination.checks.flatMap(({ findings }) => findings.map(({ what }) => what)).join('\n');
  }

  const shards = (): readonly string[] => options.shards ?? [];
  const last = (): ClickHouse => system.clickhouse.shards.at(-1) ?? system.clickhouse;
  const lastName = (): string => `shard ${shards().length - 1} (${shards().at(-1)})`;

  it('finds nothing on one that is well', async () => {
    const { exitCode, stdout } = await tallyWith(env, 'doctor', '--json');
    const examination = JSON.parse(stdout) as Examination;
    expect(examination.checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(exitCode).toBe(0);
    const seen = Object.fromEntries(examination.checks.map((one) => [one.check, one.seen]));
    expect(seen).toMatchObject({
      servers: `${shards().length} servers answer`,
      shards: 'each is the one on record',
      columns: `the same on ${shards().length} servers`,
    });
    expect(seen['parts']).toContain(lastName());
  });

  it('tells a server that is away, and calls nothing well that hangs on it', async () => {
    const away = { shards: [...shards().slice(0, -1), NOBODY_LISTENS] };
    expect(await expectOnly('SHARD_UNREACHABLE', away)).toContain(`shard ${shards().length - 1} (${NOBODY_LISTENS})`);
    const { checks } = await examine(away);
    const state = (name: string) => checks.find(({ check }) => check === name)?.state;
    expect(['tables', 'ledger', 'disks', 'consumers'].map(state)).toEqual(Array(4).fill('not checked'));
    expect(['clickhouse', 'database', 'topics'].map(state)).toEqual(Array(3).fill('ok'));
  });

  it('tells servers that are listed in another order, one too few of them, and none', async () => {
    const order = await expectOnly('SHARDS_DIFFER', { shards: [...shards()].reverse() });
    expect(order).toContain('has its shards in another order');
    const { shards: _, cluster: __, ...alone } = options;
    const clickhouse = new ClickHouse(alone);
    const examination = await examineAll({ ...system, clickhouse, env, dataDir: undefined, clock: Date.now });
    await clickhouse.close();
    expect(codesOf(examination)).toEqual(['SHARDS_DIFFER']);
  });

  it('tells a server whose part of the database is gone', async () => {
    const { database } = last();
    const server = new ClickHouse({ url: shards().at(-1) ?? '', database: 'default' });
    await server.command(`RENAME DATABASE ${database} TO ${database}_kept`);
    try {
      expect(await expectOnly('SHARD_LOST')).toContain(`${lastName()} has no database ${database}`);
    } finally {
      await server.command(`RENAME DATABASE ${database}_kept TO ${database}`);
      await server.close();
    }
  });

  it('tells servers whose own configuration leads elsewhere', async () => {
    const { database } = system.clickhouse;
    const over = (cluster: string): string =>
      `CREATE OR REPLACE TABLE shards AS ${database}_shard.shards ENGINE = Distributed('${cluster}', '${database}_shard', 'shards')`;
    await system.clickhouse.command(over('tally_1'));
    try {
      const what = await expectOnly('CLUSTER_DIFFERS');
      expect(what).toContain('the tables over all shards lead to shard(s) 0, not 0, 1');
      expect(what).toContain('shards: over cluster tally_1');
    } finally {
      await system.clickhouse.command(over(options.cluster ?? ''));
    }
  });

  it.each([
    ['TABLE_MISSING', 'RENAME TABLE activity TO kept', 'RENAME TABLE kept TO activity', 'table activity of'],
    [
      'VIEW_MISSING',
      'RENAME TABLE activity_view TO kept',
      'RENAME TABLE kept TO activity_view',
      'view activity_view of',
    ],
    [
      'DURABILITY_SETTINGS',
      'ALTER TABLE activity MODIFY SETTING fsync_after_insert = 0',
      'ALTER TABLE activity MODIFY SETTING fsync_after_insert = 1',
      'table activity does not have',
    ],
    [
      'SHARD_BEHIND',
      'ALTER TABLE activity ADD COLUMN of_tomorrow String',
      'ALTER TABLE activity DROP COLUMN of_tomorrow',
      'shard 0',
    ],
  ])('tells %s on another server than the first', async (code, breaking, mending, named) => {
    await last().command(breaking);
    try {
      expect(await expectOnly(code)).toContain(named);
    } finally {
      await last().command(mending);
    }
  });

  it('tells a table over all shards that is gone, and one of the home’s own', async () => {
    for (const table of ['interactions', 'licences']) {
      await system.clickhouse.command(`RENAME TABLE ${table} TO kept`);
      try {
        expect(await expectOnly('TABLE_MISSING')).toBe(`table ${table} is gone`);
      } finally {
        await system.clickhouse.command(`RENAME TABLE kept TO ${table}`);
      }
    }
  });

  it('tells a database that tally reshard has not filled yet', async () => {
    const made = databaseOptions(`${options.database}_made`);
    const clickhouse = new ClickHouse(made);
    await migrateClickHouse(made, { unfinished: true });
    try {
      await expectOnly('COPY_UNFINISHED', made);
    } finally {
      await dropDatabase(clickhouse);
      await clickhouse.close();
    }
  });

  it('is well after all of that', async () => {
    expect(codesOf(await examine())).toEqual([]);
  });

  it('tells a topic with a number of partitions that is no multiple of the shards', async () => {
    const { admin, topics } = system;
    const wrong = (await admin.extents(topics.profiles)).length + 1;
    await admin.setPartitionCount(topics.profiles, wrong);
    await eventually(async () => expect(await admin.extents(topics.profiles)).toHaveLength(wrong));
    const { checks } = await examine();
    const identity = checks.find(({ check }) => check === 'log identity');
    expect(identity?.findings.map(({ code }) => code)).toEqual(['PARTITIONS_AND_SHARDS']);
  });
});
