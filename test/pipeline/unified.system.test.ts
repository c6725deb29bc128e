/**
 * Unified people through the real consumer: what splits and what joins them, rules and their guard, days, and why.
 */
import { encodeRecord, type Identifier, recordKey } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, freshTenant, TestSystem } from '../support/system.ts';
import { tallyWith } from '../support/tally-command.ts';

const DAY_1 = Date.UTC(2026, 10, 1, 12);
const DAY_MS = 86_400_000;

interface Figure {
  total: number;
  byEnvironment: Record<string, number>;
  records: number;
  notJoining: { environmentId: string; kind: string; identifier: string; records: number }[];
}

interface Explained {
  records: {
    source: string;
    recordId: string;
    joinedBy: { kind: string; to: { source: string; recordId: string } } | null;
  }[];
  identifiers: { kind: string; identifier: string; records: number }[];
  notJoining: { kind: string; records: number; because: string }[];
  cut: string | null;
}

describe('unified people', () => {
  let system: TestSystem;
  let url: string;

  beforeAll(async () => {
    system = await TestSystem.create('unified', { partitions: 2 });
    await system.consumer();
    ({ url } = await system.service('api/main.ts'));
  });

  afterAll(() => system.close());

  /** `email:a@x.io phone:0049…` for a record's identifiers; null deletes it. */
  async function send(tenantId: string, records: Record<string, string | null>, environmentId = 'prod'): Promise<void> {
    const sent = Object.entries(records).map(([recordId, text]) => {
      const identifiers = (text ?? '').split(' ').flatMap((part): Identifier[] => {
        const [kind = '', value = ''] = part.split(':');
        return kind === '' ? [] : [{ kind, value }];
      });
      const operation = text === null ? ('delete' as const) : ('upsert' as const);
      const value = { tenantId, environmentId, source: 'crm', recordId, operation, identifiers, changedAt: 0 };
      const record = { schema: 'ProfileRecord' as const, value };
      return { topic: system.topics.profiles, key: Buffer.from(recordKey(record)), value: encodeRecord(record) };
    });
    await system.sender.send(sent);
    await system.caughtUp();
  }

  async function ask<Answer>(path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${url}/v1/tenants/${path}`, {
      method: body ? 'PUT' : 'GET',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const answer = (await response.json()) as Answer;
    expect({ status: response.status, answer }).toMatchObject({ status: 200 });
    return answer;
  }

  /** Each run a second after the one before, so that one is the newest. */
  let runs = 0;

  async function figure(tenantId: string, now = DAY_1 + 1_000 * ++runs): Promise<Figure> {
    await system.aggregate(() => now);
    return ask(`${tenantId}/unified`);
  }

  const explain = (tenantId: string, record: string): Promise<Explained> =>
    ask(`${tenantId}/unified/explain?environment=prod&source=crm&record=${record}`);

  it('split when the record that joined them gets other identifiers, or goes', async () => {
    const tenantId = freshTenant('splits');
    await send(tenantId, { a: 'email:a@x.io', b: ' email:A@X.io phone:00491', c: 'phone:+491', d: 'email:d@x.io' });
    expect(await figure(tenantId)).toMatchObject({ total: 2, records: 4 });
    await send(tenantId, { b: 'email:a@x.io' });
    expect(await figure(tenantId)).toMatchObject({ total: 3, records: 4 });
    await send(tenantId, { b: 'email:a@x.io email:d@x.io' });
    expect(await figure(tenantId)).toMatchObject({ total: 2, records: 4 });
    await send(tenantId, { b: null });
    expect(await figure(tenantId)).toMatchObject({ total: 3, records: 3 });
    await send(tenantId, { b: 'phone:+491' });
    expect(await figure(tenantId)).toMatchObject({ total: 3, records: 4, byEnvironment: { prod: 3 } });
  });

  it('are not joined by an identifier that more records than the limit share, which is reported', async () => {
    const tenantId = freshTenant('guard');
    await send(tenantId, {
      a: 'email:info@x.io email:a@x.io',
      b: 'email:info@x.io email:a@x.io',
      c: 'email:info@x.io',
    });
    await send(tenantId, { a: 'email:info@x.io', b: 'email:info@x.io' }, 'test');
    expect(await figure(tenantId)).toMatchObject({ total: 2, notJoining: [] });
    const rules = await ask(`${tenantId}/unified/rules`, { kinds: null, limit: 2, because: 'info@ is nobody' });
    expect(rules).toMatchObject({ kinds: null, limit: 2, changes: [{ by: 'admin', because: 'info@ is nobody' }] });
    const guarded = await figure(tenantId);
    expect(guarded).toMatchObject({ total: 3, byEnvironment: { prod: 2, test: 1 }, rules: { limit: 2 } });
    expect(guarded.notJoining).toEqual([
      { environmentId: 'prod', kind: 'email', identifier: expect.stringMatching(/^[0-9a-f]{12}$/), records: 3 },
    ]);
    // At the limit again, it joins again.
    await send(tenantId, { c: null });
    expect(await figure(tenantId)).toMatchObject({ total: 2, notJoining: [] });
  });

  it('are joined by the kinds that the tenant’s rules name, worked out again without any new record', async () => {
    const tenantId = freshTenant('kinds');
    await send(tenantId, {
      a: 'email:a@x.io phone:1',
      b: 'email:a@x.io',
      c: 'phone:1',
      d: 'loyalty:7',
      e: 'loyalty:7',
    });
    expect(await figure(tenantId)).toMatchObject({ total: 2 });
    const env = { TALLY_API: url, TALLY_KEY: ADMIN_KEY };
    const args = ['unified', 'rules', tenantId, '--kinds', 'email,loyalty', '--because', 'phones are shared'];
    expect(await tallyWith(env, ...args, '--by', 'ann')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await figure(tenantId)).toMatchObject({ total: 3 });
    const told = await tallyWith(env, 'unified', 'rules', tenantId, '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({
      kinds: ['email', 'loyalty'],
      limit: 10_000,
      changes: [{ by: 'ann', because: 'phones are shared' }],
    });
    await ask(`${tenantId}/unified/rules`, { kinds: null, limit: 10_000, because: 'as it was' });
    expect(await figure(tenantId)).toMatchObject({ total: 2 });
    const [before] = await snapshots(tenantId);
    await figure(tenantId);
    expect((await snapshots(tenantId))[0]).toEqual(before);
  });

  function snapshots(tenantId: string): Promise<{ n: string }[]> {
    const sql = 'SELECT count() AS n FROM snapshots WHERE tenant_id = {tenantId:String}';
    return system.clickhouse.query(`${sql} AND meter = 'unified'`, { tenantId });
  }

  it('are told day by day as they were published last', async () => {
    const tenantId = freshTenant('days');
    await send(tenantId, { a: 'email:a@x.io' });
    await figure(tenantId);
    await send(tenantId, { b: 'email:b@x.io' });
    await figure(tenantId);
    await send(tenantId, { c: 'email:c@x.io' });
    await figure(tenantId, DAY_1 + 3 * DAY_MS);
    const { days } = await ask<{ days: object[] }>(`${tenantId}/unified/history?from=2026-10-31&to=2026-11-05`);
    expect(days).toEqual(
      [2, 2, 2, 3, 3].map((total, day) => ({ day: `2026-11-0${day + 1}`, total, byEnvironment: { prod: total } })),
    );
    const { stdout } = await tallyWith(
      { TALLY_API: url, TALLY_KEY: ADMIN_KEY },
      ...['unified', tenantId, '--from', '2026-11-03', '--to', '2026-11-04'],
    );
    expect(stdout).toMatch(/2026-11-03 +│ +2 .*\n.*2026-11-04 +│ +3 /);
  });

  it('say which identifiers hold a record’s profile together, and which would but for the rules', async () => {
    const tenantId = freshTenant('explain');
    await send(tenantId, {
      a: 'email:a@x.io email:info@x.io',
      b: 'email:a@x.io phone:1',
      c: 'phone:1 loyalty:7',
      d: 'loyalty:7 email:info@x.io',
      e: 'email:info@x.io',
      f: 'email:a@x.io',
      g: 'email:a@x.io',
    });
    await send(tenantId, { f: 'email:f@x.io', g: null });
    await ask(`${tenantId}/unified/rules`, { kinds: ['email', 'phone'], limit: 2, because: 'to explain' });
    expect(await figure(tenantId)).toMatchObject({ total: 4, records: 6 });
    const { records, identifiers, notJoining, cut } = await explain(tenantId, 'a');
    expect(records.map(({ recordId, joinedBy }) => [recordId, joinedBy?.kind, joinedBy?.to.recordId])).toEqual([
      ['a', undefined, undefined],
      ['b', 'email', 'a'],
      ['c', 'phone', 'b'],
    ]);
    expect(identifiers).toMatchObject([
      { kind: 'email', records: 2 },
      { kind: 'phone', records: 2 },
    ]);
    expect(notJoining).toMatchObject([
      { kind: 'email', records: 3, because: 'limit' },
      { kind: 'loyalty', records: 2, because: 'kind' },
    ]);
    expect(cut).toBeNull();

    const env = { TALLY_API: url, TALLY_KEY: ADMIN_KEY };
    const { stdout } = await tallyWith(env, 'unified', '--explain', `${tenantId}/prod/crm/c`);
    expect(stdout).toMatch(/one person of 3 record\(s\)\n/);
    expect(stdout).toMatch(/crm\/a +│ email +│ [0-9a-f]{12} +│ crm\/b/);
    const gone = await tallyWith(env, 'unified', '--explain', `${tenantId}/prod/crm/g`);
    expect(gone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[unknown-record]') });
  });

  it('explains at most 1,000 records, and says that there are more', async () => {
    const tenantId = freshTenant('many');
    const all = Array.from({ length: 1_001 }, (_, index) => [`r${index}`, 'email:all@x.io']);
    await send(tenantId, Object.fromEntries(all.slice(0, 1_000)));
    expect(await explain(tenantId, 'r7')).toMatchObject({ cut: null, records: { length: 1_000 } });
    await send(tenantId, Object.fromEntries(all.slice(1_000)));
    expect(await explain(tenantId, 'r7')).toMatchObject({ cut: 'records', records: { length: 1_000 } });
  });

  it('are never fewer for an answer that breaks off in the middle', async () => {
    const broken = system.clickhouse.streamRaw(
      'SELECT toString(throwIf(number = 200000)) FROM numbers(300000) SETTINGS max_block_size = 1000',
    );
    const read = async (): Promise<void> => {
      for await (const _ of broken);
    };
    await expect(read()).rejects.toMatchObject({ retriable: true });
    let bytes = 0;
    for await (const chunk of system.clickhouse.streamRaw('SELECT toString(number) FROM numbers(11)')) {
      bytes += chunk.length;
    }
    expect(bytes).toBe(12);
  });
});
