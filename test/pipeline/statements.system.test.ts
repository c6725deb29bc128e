/**
 * Statements through the real pipeline: issued once, adjusted by later ones, and never changed without being found out.
 */
import { changeLicences, decidePolicies } from '@tally/figures';
import { policyNamed } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import {
  issueDue,
  issueStatement,
  type Statement,
  type StatementSources,
  sealed,
  statementSources,
  storedTexts,
  textOf,
  verifyStatements,
} from '@tally/statements';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interaction } from '../support/interaction.ts';
import { ADMIN_KEY, type AskApi, freshTenant, TestSystem } from '../support/system.ts';

const at = (moment: string): number => Date.parse(moment);
const log = createLog('test', 'silent');

let system: TestSystem;
let sources: StatementSources & { close: () => Promise<void> };
let now = at('2026-04-10T00:00:00Z');

beforeAll(async () => {
  system = await TestSystem.create('statements');
  await system.consumer();
  const { kafka, admin, clickhouse, topics, groupId } = system;
  sources = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock: () => now, log });
});

afterAll(async () => {
  await sources?.close();
  await system?.close();
});

async function send(...events: Parameters<typeof interaction>[0][]): Promise<void> {
  const producer = system.producer();
  await Promise.all(events.map((event) => producer.send({ schema: 'Interaction', value: interaction(event) })));
  await system.caughtUp();
}

const march = (tenantId: string, eventId: string, change: object = {}) => ({
  tenantId,
  eventId,
  occurredAt: at('2026-03-10T12:00:00Z'),
  ...change,
});

describe('a statement', () => {
  it('is issued once: asked for again it is the same bytes, whatever came since', async () => {
    const tenantId = freshTenant('once');
    await send(march(tenantId, 'e1'), march(tenantId, 'e2', { entityId: 'c2' }));
    const first = await issueStatement(sources, { tenantId, month: '2026-03', by: 'ann' });
    await send(march(tenantId, 'e3'));
    now += 1_000;
    const again = await issueStatement(sources, { tenantId, month: '2026-03', by: 'bob' });
    expect(first).toMatchObject({ issued: true, statement: { number: 1, issuedBy: 'ann', previousDigest: null } });
    expect(first.statement.interactions).toMatchObject({ used: 2, peakDay: { day: '2026-03-10', used: 2 } });
    expect(again).toEqual({ ...first, issued: false });
  });

  it('holds what came late and was taken back as adjustments, also of months before the chart’s year', async () => {
    const tenantId = freshTenant('adjusted');
    const old = { tenantId, entityId: 'old', eventId: 'old', occurredAt: at('2024-05-05T12:00:00Z') };
    await send(old, march(tenantId, 'e1'), march(tenantId, 'e2'));
    const issue = (month: string) => issueStatement(sources, { tenantId, month, by: 'ann' });
    await issue('2024-05');
    await issue('2026-02');
    await issue('2026-03');
    await send({ ...old, eventId: 'older', entityId: 'older' }, march(tenantId, 'e3'), {
      tenantId,
      eventId: 'feb',
      occurredAt: at('2026-02-28T23:59:59.999Z'),
    });
    const producer = system.producer();
    await producer.void({
      eventId: 'e2',
      tenantId,
      environmentId: 'prod',
      entityType: 'contact',
      entityId: 'c1',
      voidedAt: now,
      reason: 'test',
    });
    await system.caughtUp();
    now = at('2026-05-10T00:00:00Z');
    const { statement } = await issue('2026-04');
    const adjustments = statement.adjustments.map(({ month, figure, stated, known }) => [month, figure, stated, known]);
    expect(adjustments).toEqual([
      ['2024-05', 'interactions', 1, 2],
      ['2024-05', 'engagedPeople', 1, 2],
      ['2024-05', 'engagedPeoplePeak', 1, 2],
      ['2026-02', 'interactions', 0, 1],
      ['2026-02', 'engagedPeople', 0, 1],
      ['2026-02', 'engagedPeoplePeak', 0, 1],
    ]);
    expect(statement.interactions.used).toBe(0);
    expect(statement.engagedPeople.used).toBe(1);
    now = at('2026-06-10T00:00:00Z');
    expect((await issue('2026-05')).statement.adjustments).toEqual([]);
  });

  it('is adjusted by a policy that is decided afterwards', async () => {
    const tenantId = freshTenant('policy');
    await send(march(tenantId, 'e1'), march(tenantId, 'e2', { channel: 'form_submission', direction: 'inbound' }));
    now = at('2026-05-10T00:00:00Z');
    await issueStatement(sources, { tenantId, month: '2026-03', by: 'ann' });
    const policy = policyNamed('outbound-only');
    if (!policy) throw new Error('no such policy');
    const starts = [{ from: '2026-03-01', policy }];
    await decidePolicies(system.clickhouse, { tenantId, changedAt: now, changedBy: 'ann', because: '', starts });
    const { statement } = await issueStatement(sources, { tenantId, month: '2026-04', by: 'ann' });
    expect(statement.adjustments).toEqual([
      { month: '2026-03', figure: 'interactions', stated: 2, known: 1, difference: -1 },
    ]);
    expect(statement.policy).toBe('all, outbound-only from 2026-03-01');
  });

  it('is one where several are issued at the same time, whoever asks', async () => {
    const tenantId = freshTenant('race');
    await send(march(tenantId, 'e1'));
    const { kafka, admin, clickhouse, topics, groupId } = system;
    const others = Array.from({ length: 3 }, () =>
      statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock: () => now, log }),
    );
    const months = ['2026-02', '2026-03', '2026-03', '2026-02', '2026-03', '2026-01'];
    const issued = await Promise.all(
      months.map((month, index) =>
        issueStatement(others[index % others.length] ?? sources, { tenantId, month, by: `writer ${index}` }),
      ),
    );
    await Promise.all(others.map((other) => other.close()));
    for (const month of new Set(months)) {
      const same = issued.filter((_, index) => months[index] === month);
      expect(new Set(same.map(({ text }) => text)).size).toBe(1);
      expect(same.filter((one) => one.issued)).toHaveLength(1);
    }
    expect(new Set(issued.map(({ statement }) => statement.number))).toEqual(new Set([1, 2, 3]));
    expect(await verifyStatements(sources, [tenantId])).toEqual({ statements: 3, inTopic: 3, faults: [] });
  });

  it('waits until what the log got for its month is counted', async () => {
    const tenantId = freshTenant('unread');
    await send({ tenantId, occurredAt: Date.now() - 40 * 86_400_000 });
    const positions = await sources.positions();
    const behind = Object.fromEntries(
      Object.entries(positions).map(([name, offset]) => [name, Math.max(0, offset - 1)]),
    );
    const late = Date.now() + 200 * 86_400_000;
    const month = new Date(Date.now() + 100 * 86_400_000).toISOString().slice(0, 7);
    const stale = { ...sources, positions: async () => behind, clock: () => late };
    await expect(issueStatement(stale, { tenantId, month, by: 'ann' })).rejects.toMatchObject({
      code: 'STATEMENT_LOG_UNREAD',
      retriable: true,
    });
    await expect(
      issueStatement({ ...stale, positions: sources.positions }, { tenantId, month, by: 'ann' }),
    ).resolves.toMatchObject({ issued: true });
  });
});

describe('what is due', () => {
  it('is issued for every tenant in the order of the months, and a tenant that fails keeps no other from it', async () => {
    const own = await TestSystem.create('statements_due');
    await own.consumer();
    const { kafka, admin, clickhouse, topics, groupId } = own;
    let today = at('2026-04-03T23:59:59Z');
    const due = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock: () => today, log });
    try {
      const producer = own.producer();
      await producer.send({ schema: 'Interaction', value: interaction(march('used', 'e1')) });
      await producer.send({ schema: 'Interaction', value: interaction(march('broken', 'e1')) });
      await producer.send({
        schema: 'Interaction',
        value: interaction(march('later', 'e1', { occurredAt: at('2026-04-02T00:00:00Z') })),
      });
      await own.caughtUp();
      const lines = [{ sku: 'ci-base', quantity: 1, startsOn: '2026-02-01', endsOn: null }];
      await changeLicences(clickhouse, { tenantId: 'licensed', now: today, by: 'ann', because: '', lines });
      await clickhouse.insert('counting_policies', [
        {
          tenant_id: 'broken',
          changed_at: '2026-01-01 00:00:00.000',
          starts: ['2026-01-01'],
          policies: ['of another version'],
        },
      ]);
      const progress: [number, number][] = [];
      const issue = () => issueDue(due, { by: 'schedule', onProgress: (done, total) => progress.push([done, total]) });
      // March may not be stated yet, and in February only one tenant had anything.
      expect(await issue()).toMatchObject({ issued: 1, failed: [{ tenantId: 'broken', code: 'POLICY_UNKNOWN' }] });
      today = at('2026-04-04T00:00:00Z');
      expect(await issue()).toMatchObject({ issued: 2, failed: [{ tenantId: 'broken' }] });
      today = at('2026-06-04T00:00:00Z');
      await clickhouse.command(
        "ALTER TABLE counting_policies DELETE WHERE tenant_id = 'broken' SETTINGS mutations_sync = 1",
      );
      // April and May of the two that have a statement; of the others the last month.
      expect(await issue()).toMatchObject({ issued: 6, before: 0, failed: [] });
      expect(await issue()).toMatchObject({ issued: 0, failed: [] });
      const months = await clickhouse.query<{ tenant_id: string; months: string[] }>(
        `SELECT tenant_id, arrayMap(one -> toString(one), groupArray(month)) AS months
         FROM (SELECT * FROM statements FINAL ORDER BY tenant_id, number) GROUP BY tenant_id ORDER BY tenant_id`,
      );
      expect(months).toEqual([
        { tenant_id: 'broken', months: ['2026-05-01'] },
        { tenant_id: 'later', months: ['2026-05-01'] },
        { tenant_id: 'licensed', months: ['2026-02-01', '2026-03-01', '2026-04-01', '2026-05-01'] },
        { tenant_id: 'used', months: ['2026-03-01', '2026-04-01', '2026-05-01'] },
      ]);
      expect(progress.at(-1)?.[0]).toBe(progress.at(-1)?.[1]);
    } finally {
      await due.close();
      await own.close();
    }
  });
});

describe('tampering', () => {
  /** Three statements of a fresh tenant. */
  async function three(name: string): Promise<{ tenantId: string; statements: Statement[] }> {
    const tenantId = freshTenant(name);
    now = at('2026-06-10T00:00:00Z');
    await send(march(tenantId, 'e1'));
    const statements: Statement[] = [];
    for (const month of ['2026-03', '2026-04', '2026-05']) {
      statements.push((await issueStatement(sources, { tenantId, month, by: 'ann' })).statement);
    }
    return { tenantId, statements };
  }
  const change = (sql: string, params: Record<string, string>) =>
    system.clickhouse.command(`${sql} SETTINGS mutations_sync = 1`, params);
  const found = async (tenantId: string): Promise<string[]> =>
    (await verifyStatements(sources, [tenantId])).faults.map(({ number, fault }) => `${number} ${fault}`);

  it('with a figure is found', async () => {
    const { tenantId } = await three('figure');
    const update = `ALTER TABLE statements UPDATE document = replaceOne(document, '"used":1', '"used":2')`;
    await change(`${update} WHERE tenant_id = {tenantId:String} AND number = 2`, { tenantId });
    expect(await found(tenantId)).toEqual(['2 digest']);
  });

  it('with a figure and its digest is found', async () => {
    const { tenantId, statements } = await three('digest');
    const [, second] = statements;
    if (!second) throw new Error('no statement');
    const { digest: _, ...content } = { ...second, interactions: { ...second.interactions, used: 9 } };
    const forged = sealed(content);
    await change('ALTER TABLE statements DELETE WHERE tenant_id = {tenantId:String} AND number = 2', { tenantId });
    await system.clickhouse.insert('statements', [
      {
        tenant_id: tenantId,
        number: 2,
        month: '2026-04-01',
        issued_at: '2026-06-10 00:00:00.000',
        digest: forged.digest,
        previous_digest: forged.previousDigest,
        log_offset: 0,
        document: textOf(forged),
      },
    ]);
    expect(await found(tenantId)).toEqual(['2 differs', '3 previous']);
  });

  it.each([
    [1, ['2 number', '1 missing']],
    [2, ['3 number', '2 missing']],
    [3, ['3 missing']],
  ])('by taking out statement %i is found', async (number, faults) => {
    const { tenantId } = await three('gone');
    await change(`ALTER TABLE statements DELETE WHERE tenant_id = {tenantId:String} AND number = ${number}`, {
      tenantId,
    });
    expect(await found(tenantId)).toEqual(faults);
  });

  it('by adding one is found', async () => {
    const { tenantId, statements } = await three('added');
    const last = statements.at(-1);
    if (!last) throw new Error('no statement');
    const { digest, ...content } = { ...last, number: 4, month: '2026-02', previousDigest: last.digest };
    const added = sealed(content);
    await system.clickhouse.insert('statements', [
      {
        tenant_id: tenantId,
        number: 4,
        month: '2026-02-01',
        issued_at: '2026-06-10 00:00:00.000',
        digest: added.digest,
        previous_digest: digest,
        log_offset: 0,
        document: textOf(added),
      },
    ]);
    expect(await found(tenantId)).toEqual(['4 unknown']);
  });
});

describe('over HTTP', () => {
  let ask: AskApi;
  let url: string;
  beforeAll(async () => {
    ask = await system.api();
    ({ url } = await system.service('api/main.ts'));
  });

  it('is answered 201, then 200, listed, and read in four forms', async () => {
    const tenantId = freshTenant('http');
    await send(march(tenantId, 'e1'));
    const path = `/v1/tenants/${tenantId}/statements`;
    const first = await ask(`${path}/2026-03`, { method: 'POST', body: { by: 'ann' } });
    const again = await ask(`${path}/2026-03`, { method: 'POST' });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(await ask(path)).toMatchObject({
      status: 200,
      body: { statements: [{ month: '2026-03', number: 1, issuedBy: 'ann', interactions: { used: 1 } }] },
    });
    const read = async (ending: string, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}/2026-03${ending}`, { headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers } });
    const [text] = (await storedTexts(system.clickhouse, { tenants: [tenantId], month: '2026-03' })).values();
    expect(await (await read('')).text()).toBe(text);
    for (const [ending, type, begins] of [
      ['.csv', 'text/csv', 'tenant'],
      ['.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'PK'],
      ['.pdf', 'application/pdf', '%PDF-'],
    ] as const) {
      const answer = await read(ending);
      expect(answer.headers.get('content-type')).toContain(type);
      expect(answer.headers.get('content-disposition')).toContain(`tally-${tenantId}-2026-03${ending}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.subarray(0, begins.length + 3).toString('utf8')).toContain(begins);
      expect(Buffer.from(await (await read(ending)).arrayBuffer()).equals(bytes)).toBe(true);
      const etag = answer.headers.get('etag') ?? '';
      expect((await read(ending, { 'if-none-match': etag })).status).toBe(304);
    }
    expect(await ask(`/v1/statements/verification?tenant=${tenantId}`)).toMatchObject({
      status: 200,
      body: { statements: 1, inTopic: 1, faults: [] },
    });
  });

  it('refuses what cannot be, each with its code', async () => {
    const tenantId = freshTenant('refused');
    await send(march(tenantId, 'e1'));
    const post = (path: string) => ask(path, { method: 'POST' });
    const statements = `/v1/tenants/${tenantId}/statements`;
    const thisMonth = new Date().toISOString().slice(0, 7);
    expect(await post(`${statements}/${thisMonth}`)).toMatchObject({
      status: 409,
      body: { code: 'statement-too-early' },
    });
    expect(await post(`${statements}/2026-13`)).toMatchObject({ status: 400, body: { code: 'invalid-parameter' } });
    expect(await post('/v1/tenants/nobody/statements/2026-03')).toMatchObject({
      status: 404,
      body: { code: 'tenant-unknown' },
    });
    expect(await ask(`${statements}/2026-03`)).toMatchObject({ status: 404, body: { code: 'statement-not-issued' } });
    expect(await ask(`${statements}/2026-03.docx`)).toMatchObject({ status: 400, body: { code: 'invalid-parameter' } });
    expect(await ask(statements)).toMatchObject({ status: 200, body: { statements: [] } });
  });
});
