/**
 * `tally licences`, `environments`, `quota` and `true-up`, as processes against a real api.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { type Finished, tallyWith } from '../support/tally-command.ts';
import { WrittenLog } from '../support/written-log.ts';

describe('licences on the command line', () => {
  const tenant = freshTenant('cli');
  const dir = mkdtempSync(join(tmpdir(), 'tally-licences-'));
  let system: TestSystem;
  let env: Record<string, string>;

  beforeAll(async () => {
    system = await TestSystem.create('licences_cli');
    env = { TALLY_API: (await system.service('api/main.ts')).url, TALLY_KEY: ADMIN_KEY };
    const log = await WrittenLog.open(system, 4);
    const day = '2025-06-10';
    await log.write(...Array.from({ length: 30 }, (_, entity) => ({ tenantId: tenant, entity, day })));
  });

  afterAll(async () => {
    rmSync(dir, { recursive: true });
    await system.close();
  });

  const run = (...args: string[]): Promise<Finished> => tallyWith(env, ...args);
  const licences = async (): Promise<object[]> =>
    (JSON.parse((await run('licences', 'show', tenant, '--json')).stdout) as { licences: object[] }).licences;
  const file = (name: string, content: string): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };

  it('are set from CSV, added to, ended, and shown with who did it and why', async () => {
    const csv = file(
      'lines.csv',
      '\ufeffSKU;quantity;pack_size;starts_on;ends_on\n'
        .replace('SKU', 'sku')
        .concat('ci-interacted-people-t1;2;10;2025-01-01;\ntrial;1;;2025-01-01;2025-02-01\n'),
    );
    expect(await run('licences', 'set', tenant, csv, '--because', 'order 1')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    const added = ['--sku', 'ci-unified-people', '--pack-size', '50', '--from', '2025-03-01', '--because', 'order 2'];
    expect(await run('licences', 'add', tenant, ...added)).toMatchObject({ exitCode: 0 });
    const ended = await run('licences', 'end', tenant, '3', '--on', '2025-04-01', '--because', 'cancelled');
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('2025-04-01') });
    expect(await licences()).toEqual([
      { sku: 'ci-interacted-people-t1', quantity: 2, packSize: 10, startsOn: '2025-01-01', endsOn: null },
      { sku: 'trial', quantity: 1, startsOn: '2025-01-01', endsOn: '2025-02-01' },
      { sku: 'ci-unified-people', quantity: 1, packSize: 50, startsOn: '2025-03-01', endsOn: '2025-04-01' },
    ]);
    const { stdout } = await run('licences', 'show', tenant, '--history');
    for (const text of ['order 1', 'order 2', 'cancelled', '2 x ci-interacted-people-t1 of 10']) {
      expect(stdout).toContain(text);
    }
  });

  it('take back what they print, as JSON', async () => {
    const before = await licences();
    const json = file('lines.json', (await run('licences', 'show', tenant, '--json')).stdout);
    expect(await run('licences', 'set', tenant, json, '--because', 'again')).toMatchObject({ exitCode: 0 });
    expect(await licences()).toEqual(before);
  });

  it('are refused line by line, and nothing is changed', async () => {
    const before = await licences();
    const csv = file(
      'bad.csv',
      'sku,quantity,packSize,startsOn,endsOn\nci-bse,1,,2025-01-01,\ntrial,few,,2025-01-01,2024-01-01\n',
    );
    const { exitCode, stdout, stderr } = await run('licences', 'set', tenant, csv, '--because', 'x');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('[LINES_REFUSED]');
    expect(stdout).toMatch(/1\D+sku\D+is not one of ci-base/);
    expect(stdout).toMatch(/2\D+quantity\D+must be a whole number/);
    expect(stdout).toMatch(/2\D+endsOn\D+must be after startsOn/);
    expect(await licences()).toEqual(before);
    expect(await run('licences', 'end', tenant, '9', '--on', '2025-04-01', '--because', 'x')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[LINE_UNKNOWN]'),
    });
    const unread = await run('licences', 'set', tenant, file('no.json', '{"lines":1}'), '--because', 'x');
    expect(unread).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[LIST_INVALID]') });
  });

  it('show the quota of a tenant, with environments that nobody registered', async () => {
    const named = ['--id', 'prod', '--name', 'Shop', '--type', 'production', '--geo', 'eu', '--from', '2025-01-01'];
    expect(await run('environments', 'add', tenant, ...named, '--because', 'live')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/test.+not registered/),
    });
    const { exitCode, stdout } = await run('quota', tenant, '--on', '2025-06-10');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/engaged people.+█ \D+150\.0 %\D+20\D+30\D+0\D+10\D/);
    expect(stdout).toMatch(/interactions in 2025-06\D+15\.0 %\D+200\D+30\D+170/);
    expect(stdout).toMatch(/prod\D+Shop, production, eu\D+15\D+15/);
    expect(stdout).toMatch(/test\D+not registered\D+15\D+15/);
    expect(stdout).toContain('ended');
    expect(await run('environments', 'end', tenant, 'test', '--on', '2025-06-10', '--because', 'x')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[ENVIRONMENT_UNKNOWN]'),
    });
  });

  it('show what is to be bought for a licence year', async () => {
    const { exitCode, stdout } = await run('true-up', tenant, '--licence-year', '2025-01-01');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/engaged people\D+30\D+2025-06-10\D+10\D+2025-06-10/);
    expect(stdout).toContain('engaged people to buy: 10, covered by 1 x ci-interacted-people-t1 of 5,000, 4,990 more');
    expect(stdout).toContain('unified people: nothing to buy');
  });
});
