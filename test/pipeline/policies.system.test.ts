/**
 * Counting policies over the api: dated, changeable at any time, and every figure says under which it was made.
 */
import { decidePolicies, policyTimeline, setUnificationRules, unificationRules } from '@tally/figures';
import { policyNamed } from '@tally/metering';
import { dateTime64 } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AskApi, freshTenant, TestSystem } from '../support/system.ts';
import { writeRows } from '../support/written-log.ts';

describe('counting policies', () => {
  let system: TestSystem;
  let ask: AskApi;
  let tenantId: string;
  let positions = 0;

  beforeAll(async () => {
    system = await TestSystem.create('policies');
    ask = await system.api();
  });

  beforeEach(() => {
    tenantId = freshTenant('policies');
  });

  afterAll(() => system.close());

  /** One interaction of an entity of its own for each day and direction, as the consumer writes it. */
  async function write(...events: [day: string, direction: 'outbound' | 'inbound'][]): Promise<void> {
    const rows = events.map(([day, direction]) => {
      const key = ++positions;
      return {
        position: (BigInt(key % 4) << 40n) + BigInt(key),
        outcome: 'counted',
        tenant_id: tenantId,
        environment_id: 'prod',
        entity_type: 'contact',
        entity_id: `c${key}`,
        entity_key: `${key}`,
        event_id: `e${key}`,
        event_key: `${key}`,
        channel: direction === 'inbound' ? 'form_submission' : 'email',
        direction,
        occurred_at: dateTime64(Date.parse(`${day}T12:00:00Z`)),
      };
    });
    await writeRows(system.clickhouse, rows);
  }

  const decide = (policies: unknown, because: unknown = 'the contract says so') =>
    ask(`/v1/tenants/${tenantId}/policies`, { method: 'PUT', body: { policies, because, by: 'ada' } });

  const months = async (query: string) =>
    (await ask(`/v1/tenants/${tenantId}/interactions?${query}`)).body as {
      months: { month: string; total: number }[];
      policy: string;
    };
  const engaged = async (query: string) =>
    (await ask(`/v1/tenants/${tenantId}/engaged?${query}`)).body as { total: number; policy: string };

  it('judge an interaction by its day, also in the middle of a month', async () => {
    await write(
      ['2026-03-14', 'inbound'],
      ['2026-03-14', 'outbound'],
      ['2026-03-15', 'inbound'],
      ['2026-03-15', 'outbound'],
    );
    expect(await months('from=2026-03&to=2026-03')).toMatchObject({ months: [{ total: 4 }], policy: 'all' });
    await decide([{ from: '2026-03-15', policy: 'outbound-only' }]);
    expect(await months('from=2026-03&to=2026-03')).toMatchObject({
      months: [{ total: 3 }],
      policy: 'all, outbound-only from 2026-03-15',
    });
    expect(await months('from=2026-03&to=2026-03&policy=outbound-only')).toMatchObject({
      months: [{ total: 2 }],
      policy: 'outbound-only',
    });
  });

  it('let people drop out of the engaged ones as their days leave the window, not on the day of the change', async () => {
    await write(['2025-06-10', 'inbound'], ['2026-02-01', 'inbound'], ['2026-02-02', 'outbound']);
    await decide([{ from: '2026-01-01', policy: 'outbound-only' }]);
    expect(await engaged('asOf=2026-02-02')).toMatchObject({ total: 2, policy: 'all, outbound-only from 2026-01-01' });
    expect(await engaged('asOf=2026-06-09')).toMatchObject({ total: 2 });
    expect(await engaged('asOf=2026-06-10')).toMatchObject({ total: 1 });
    expect(await engaged('asOf=2026-12-31')).toMatchObject({ total: 1, policy: 'outbound-only' });
    const { body } = await ask(`/v1/tenants/${tenantId}/engaged/curve?from=2026-06-09&to=2026-06-10`);
    expect(body).toMatchObject({
      days: [
        { day: '2026-06-09', total: 2 },
        { day: '2026-06-10', total: 1 },
      ],
      policy: 'all, outbound-only from 2026-01-01',
    });
  });

  it('can be taken back, and every decision stays on record', async () => {
    await write(['2026-03-14', 'inbound']);
    await decide([{ from: null, policy: 'outbound-only' }], 'by mistake');
    expect(await months('from=2026-03&to=2026-03')).toMatchObject({ months: [{ total: 0 }], policy: 'outbound-only' });
    await decide([], 'a mistake');
    expect(await months('from=2026-03&to=2026-03')).toMatchObject({ months: [{ total: 1 }], policy: 'all' });
    expect((await ask(`/v1/tenants/${tenantId}/policies`)).body).toMatchObject({
      policies: [{ from: null, policy: 'all' }],
      decisions: [
        { because: 'a mistake', by: 'ada', policies: [] },
        { because: 'by mistake', by: 'ada', policies: [{ from: null, policy: 'outbound-only' }] },
      ],
    });
  });

  it.each([
    ['a policy that is not known', [{ from: null, policy: 'none' }], 'x', 'policies.0.policy must be one of all'],
    ['a day that does not exist', [{ from: '2026-02-30', policy: 'all' }], 'x', 'policies.0.from must be a day'],
    [
      'two policies from one day',
      [
        { from: null, policy: 'all' },
        { from: null, policy: 'all' },
      ],
      'x',
      'from one day',
    ],
    ['no reason', [], ' ', 'because'],
    ['no list', 'all', 'x', 'policies'],
  ])('are refused with %s', async (_, policies, because, detail) => {
    const answer = await decide(policies, because);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid-parameter', detail: expect.stringContaining(detail) },
    });
    expect((await ask(`/v1/tenants/${tenantId}/policies`)).body).toMatchObject({ decisions: [] });
  });

  it('are not shown to somebody without a key', async () => {
    expect((await ask(`/v1/tenants/${tenantId}/policies`, { key: 'another' })).status).toBe(401);
  });

  it('are what was decided last, whatever the clock says', async () => {
    const decideAt = (changedAt: number, name: string) =>
      decidePolicies(system.clickhouse, {
        tenantId,
        changedAt,
        changedBy: 'ada',
        because: name,
        starts: [{ from: '2026-01-01', policy: policyNamed(name) ?? expect.fail(name) }],
      });
    for (const [at, name] of [
      [5_000, 'outbound-only'],
      [5_000, 'all'],
      [5_000, 'outbound-only'],
      [3_000, 'all'],
    ] as const) {
      await decideAt(at, name);
      expect((await policyTimeline(system.clickhouse, tenantId)).at(-1)?.policy.name).toBe(name);
      const rules = { kinds: [name], limit: 5, by: 'ada', because: '', now: at };
      await setUnificationRules(system.clickhouse, tenantId, rules);
      expect(await unificationRules(system.clickhouse, tenantId)).toEqual({ kinds: [name], limit: 5 });
    }
  });
});
