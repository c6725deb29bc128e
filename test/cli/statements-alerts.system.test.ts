/**
 * `tally statement` and `tally alerts`, as processes against a real api; and the job that issues statements by itself.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@tally/platform/log';
import { lookForAlerts } from '@tally/watch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, eventually, freshTenant, TestSystem } from '../support/system.ts';
import { type Finished, tallyWith } from '../support/tally-command.ts';
import { WrittenLog } from '../support/written-log.ts';

const PARTITIONS = 4;
const log = createLog('test', 'silent');
const dir = mkdtempSync(join(tmpdir(), 'tally-statements-'));
const tenant = freshTenant('cli');
/** Three or four months ago, so that one or two after it are due as well. */
const month = new Date(Date.now() - 110 * 86_400_000).toISOString().slice(0, 7);

let system: TestSystem;
let env: Record<string, string>;

beforeAll(async () => {
  system = await TestSystem.create('statements_cli', { partitions: PARTITIONS });
  env = { ...system.env, TALLY_API: (await system.service('api/main.ts')).url, TALLY_KEY: ADMIN_KEY };
  const written = await WrittenLog.open(system, PARTITIONS);
  const today = new Date().toISOString().slice(0, 10);
  await written.write(
    ...Array.from({ length: 30 }, (_, entity) => ({ tenantId: tenant, entity, day: `${month}-10` })),
    ...Array.from({ length: 95 }, (_, entity) => ({ tenantId: tenant, entity: entity % 9, day: today })),
  );
  const committed = Object.entries(written.positions()).map(([place, offset]) => [
    Number(place.split('/').at(-1)),
    offset,
  ]);
  const { interactions } = system.topics;
  // As a consumer would have committed them; the topic itself is empty, so nothing of it is unread.
  await system.admin.setCommitted(
    system.groupId,
    interactions,
    new Map(committed.map(([partition = 0, offset = 0]) => [partition, BigInt(offset)])),
  );
  await run(
    'licences',
    'add',
    tenant,
    ...'--sku ci-interacted-people-t1 --pack-size 10 --from 2025-01-01'.split(' '),
    '--because',
    'order 1',
  );
}, 120_000);

afterAll(async () => {
  rmSync(dir, { recursive: true });
  await system?.close();
});

const run = (...args: string[]): Promise<Finished> => tallyWith(env, ...args);
const json = async <Shape>(...args: string[]): Promise<Shape> =>
  JSON.parse((await run(...args, '--json')).stdout) as Shape;

describe('tally statement', () => {
  it('issues a month once, lists it, and writes it as four files', async () => {
    const first = await run('statement', 'issue', tenant, month, '--by', 'ann');
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Issued now.') });
    const again = await run('statement', 'issue', tenant, month, '--by', 'bob');
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('by ann') });
    const { statements } = await json<{ statements: { month: string; interactions: { used: number } }[] }>(
      'statement',
      'list',
      tenant,
    );
    expect(statements).toMatchObject([{ month, interactions: { used: 30 } }]);
    for (const format of ['json', 'csv', 'xlsx', 'pdf']) {
      const out = join(dir, `june.${format}`);
      expect(await run('statement', 'show', tenant, month, '--out', out)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(out).length).toBeGreaterThan(500);
    }
    expect(await run('statement', 'issue', tenant, '2140-01')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[statement-too-early]'),
    });
  });

  it('finds a file that was changed, and one that is not the statement on record', async () => {
    const file = join(dir, 'june.json');
    expect(await run('statement', 'verify', '--file', file)).toMatchObject({ exitCode: 0 });
    const changed = join(dir, 'changed.json');
    writeFileSync(changed, readFileSync(file, 'utf8').replace('"used":30', '"used":29'));
    const verdict = await run('statement', 'verify', '--file', changed);
    expect(verdict).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('THE CONTENT WAS CHANGED') });
    expect(await run('statement', 'verify', tenant)).toMatchObject({ exitCode: 0 });
  });

  it('issues what is due of all tenants, once', async () => {
    const all = await json<{ issued: number; failed: object[] }>('statement', 'issue-all');
    expect(all).toMatchObject({ failed: [] });
    expect(all.issued).toBeGreaterThan(1);
    expect(await json('statement', 'issue-all')).toMatchObject({ issued: 0, failed: [] });
  });

  it('is not needed: the aggregator’s job issues what is due', async () => {
    const own = await TestSystem.create('statements_job', { partitions: PARTITIONS });
    try {
      const written = await WrittenLog.open(own, PARTITIONS);
      await written.write({ tenantId: tenant, entity: 1, day: `${month}-15` });
      const positions = new Map(
        Object.values(written.positions()).map((offset, partition) => [partition, BigInt(offset)]),
      );
      await own.admin.setCommitted(own.groupId, own.topics.interactions, positions);
      await own.service('aggregator/main.ts', { TALLY_STATEMENTS_SINCE: month, TALLY_STATEMENTS_CRON: '* * * * * *' });
      await eventually(async () => {
        const rows = await own.clickhouse.query<{ used: string }>(
          `SELECT JSONExtractString(document, 'issuedBy') AS used FROM statements FINAL WHERE month = {month:Date}`,
          { month: `${month}-01` },
        );
        expect(rows).toEqual([{ used: 'schedule' }]);
      }, 60_000);
    } finally {
      await own.close();
    }
  });
});

describe('tally alerts', () => {
  it('lists what is open, takes an acknowledgement and a silence, and shows rules and what they would have said', async () => {
    const { clickhouse, admin, groupId, topics } = system;
    await system.aggregate();
    await lookForAlerts({ clickhouse, admin, groupId, topics, graceDays: 3, log, clock: Date.now });
    const { alerts } = await json<{ alerts: { id: string; rule: string; severity: string }[] }>(
      'alerts',
      'list',
      tenant,
    );
    const share = alerts.find(({ rule }) => rule === 'quota-share-interactions');
    expect(share).toMatchObject({ severity: 'warning' });
    const ack = await run('alerts', 'ack', share?.id.slice(0, 10) ?? '', '--because', 'we know');
    expect(ack).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('acknowledged at warning') });
    expect((await run('alerts', 'list', tenant)).stdout).toContain('acknowledged by');
    expect(await run('alerts', 'ack', 'ffffffff', '--because', 'x')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[ALERT_UNKNOWN]'),
    });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const silenced = await json<{ id: string }>(
      'alerts',
      'silence',
      tenant,
      '--until',
      until,
      '--because',
      'migration',
    );
    expect((await run('alerts', 'list', tenant)).stdout).toContain('migration');
    expect(await run('alerts', 'unsilence', silenced.id, '--tenant', tenant)).toMatchObject({ exitCode: 0 });
    expect((await run('alerts', 'rules', 'show', tenant)).stdout).toContain('quota-share-engaged');
    const file = join(dir, 'rules.json');
    writeFileSync(file, '[{"name":"unusual-volume","off":true},{"name":"nothing"}]');
    expect(await run('alerts', 'rules', 'set', file, tenant, '--because', 'try')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('is not one of'),
    });
    const dry = await json<{ changes: object[] }>('alerts', 'dry-run', tenant, '--rule', 'quota-share-interactions');
    expect(dry.changes).toMatchObject([{ change: 'opened' }]);
  });
});
