/**
 * What is behind a statement: its rows add up to its figures, page by page and as files, also after events and voids came
 * that were not there when it was issued.
 */
import { eraseEntity } from '@tally/consumer';
import { decidePolicies, writeSnapshots } from '@tally/figures';
import { engagedWindow, policyNamed } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import { encodeRecord, type Interaction, recordKey } from '@tally/schemas';
import { issueStatement, type Statement, type StatementSources, sealed, statementSources } from '@tally/statements';
import {
  EVIDENCE_FIGURES,
  type EvidenceFigure,
  EXPORT_FORMATS,
  explain,
  exportRows,
  page,
} from '@tally/statements/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asText, EvidenceReader } from '../support/evidence-reader.ts';
import { interaction } from '../support/interaction.ts';
import { freshTenant, TestSystem } from '../support/system.ts';

const at = (moment: string): number => Date.parse(moment);
const log = createLog('test', 'silent');
const MONTH = '2026-03';

let system: TestSystem;
let sources: StatementSources & { close: () => Promise<void> };
let evidence: EvidenceReader;
const NOW = at('2026-04-10T00:00:00Z');

beforeAll(async () => {
  system = await TestSystem.create('evidence');
  await system.consumer();
  const { kafka, admin, clickhouse, topics, groupId } = system;
  sources = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock: () => NOW, log });
  evidence = new EvidenceReader(system.clickhouse);
});

afterAll(async () => {
  await sources?.close();
  await system?.close();
  evidence?.close();
});

/** Everything that can be told of every figure; it must not change any more. */
async function evidenceOf(statement: Statement) {
  const told = [];
  for (const figure of EVIDENCE_FIGURES) {
    const explanation = await explain(system.clickhouse, { statement, figure });
    expect({ figure, addsUp: explanation.addsUp, notKept: explanation.notKept }).toEqual({
      figure,
      addsUp: true,
      notKept: null,
    });
    const { rows } = await evidence.pagesOf({ statement, figure }, 1_000);
    for (const limit of [1, 3, rows.length]) {
      if (limit === 0) continue;
      const paged = await evidence.pagesOf({ statement, figure }, limit);
      expect({ limit, ...paged }).toEqual({ limit, rows, pages: Math.max(1, Math.ceil(rows.length / limit)) });
    }
    for (const format of EXPORT_FORMATS) {
      const file = await evidence.exported({ statement, figure }, format);
      expect({ figure, format, rows: file.map(asText) }).toEqual({ figure, format, rows: rows.map(asText) });
    }
    const people = new Set(rows.map(({ personLog }) => personLog));
    expect({ figure, counted: figure.startsWith('unified') ? people.size : rows.length }).toEqual({
      figure,
      counted: explanation.stated,
    });
    told.push({ explanation, rows });
  }
  return told;
}

const policiesFrom = (...starts: [from: string, name: string][]) =>
  starts.map(([from, name]) => ({ from, policy: policyNamed(name) ?? expect.fail(name) }));

describe('the evidence of a statement', () => {
  const tenantId = freshTenant('evidence');
  let statement: Statement;
  let told: Awaited<ReturnType<typeof evidenceOf>>;

  const event = (eventId: string, moment: string, change: Partial<Interaction> = {}): Interaction =>
    interaction({ tenantId, eventId, occurredAt: at(moment), ...change });
  const send = async (...events: Interaction[]): Promise<void> => {
    const producer = system.producer();
    await Promise.all(events.map((value) => producer.send({ schema: 'Interaction', value })));
    await system.caughtUp();
  };
  const takeBack = async (...events: Interaction[]): Promise<void> => {
    const producer = system.producer();
    await Promise.all(
      events.map(({ eventId, environmentId, entityType, entityId }) =>
        producer.void({
          eventId,
          tenantId,
          environmentId,
          entityType,
          entityId,
          voidedAt: NOW,
          reason: 'test',
        }),
      ),
    );
    await system.caughtUp();
  };
  const sendProfiles = async (records: Record<string, string | null>, environmentId = 'prod'): Promise<void> => {
    await system.sender.send(
      Object.entries(records).map(([recordId, email]) => {
        const identifiers = email === null ? [] : [{ kind: 'email', value: email }];
        const operation = email === null ? ('delete' as const) : ('upsert' as const);
        const value = { tenantId, environmentId, source: 'crm', recordId, operation, identifiers, changedAt: NOW };
        const record = { schema: 'ProfileRecord' as const, value };
        return { topic: system.topics.profiles, key: Buffer.from(recordKey(record)), value: encodeRecord(record) };
      }),
    );
    await system.caughtUp();
  };

  const test = { environmentId: 'test', entityType: 'lead' } as const;
  const inbound = { channel: 'form_submission', direction: 'inbound' } as const;
  /** On the edges of the window and of the month, under both policies, taken back, and twice. */
  const events = {
    outside: event('outside', '2025-03-31T23:59:59.999Z', { entityId: 'gone' }),
    first: event('first', '2025-04-01T00:00:00Z', { entityId: 'early' }),
    february: event('february', '2026-02-28T23:59:59.999Z', { entityId: 'c2' }),
    march: event('march', '2026-03-01T00:00:00Z', { journeyId: 'j "1", a', provider: 'p' }),
    sms: event('sms', '2026-03-02T10:00:00Z', { channel: 'sms' }),
    again: event('sms', '2026-03-02T10:00:00Z', { channel: 'sms' }),
    form: event('form', '2026-03-14T23:59:59.999Z', { ...inbound, entityId: 'c3' }),
    notCounted: event('not-counted', '2026-03-15T00:00:00Z', { ...inbound, entityId: 'c4' }),
    test: event('test', '2026-03-20T10:00:00Z', { ...test, entityId: 'l1' }),
    void: event('void', '2026-03-21T10:00:00Z', { ...test, entityId: 'l2' }),
    erased: event('erased', '2026-03-22T10:00:00Z', { entityId: 'secret' }),
    april: event('april', '2026-04-01T00:00:00Z', { entityId: 'later' }),
  };
  const late = event('late', '2026-03-31T23:59:59.999Z', { entityId: 'c5' });

  beforeAll(async () => {
    const starts = policiesFrom(['2026-03-15', 'outbound-only']);
    await decidePolicies(system.clickhouse, { tenantId, changedAt: 1, changedBy: 'ann', because: '', starts });
    await send(...Object.values(events));
    await takeBack(events.void);
    // There before the others and gone after them: who was read up to where depends on deleted records too.
    const gone = Array.from({ length: 8 }, (_, record) => `x${record}`);
    await sendProfiles(Object.fromEntries(gone.map((record) => [record, `${record}@x.io`])));
    await sendProfiles({ r1: 'a@x.io', r2: 'a@x.io', r3: 'b@x.io', r4: 'c@x.io', r5: 'gone@x.io' });
    await sendProfiles({ r5: null, r4: 'b@x.io' });
    await sendProfiles(Object.fromEntries(gone.map((record) => [record, null])));
    await sendProfiles({ r1: 'a@x.io', r9: 'a@x.io' }, 'test');
    await system.aggregate(() => at('2026-03-30T02:00:00Z'));
    await sendProfiles({ r6: 'd@x.io' });
    await system.aggregate(() => at('2026-03-31T23:00:00Z'));
    await system.aggregate(() => at('2026-04-01T02:00:00Z'));
    await send(late);
    await eraseEntity(system.clickhouse, { entity: events.erased, by: 'test', because: 'asked for' });
    ({ statement } = await issueStatement(sources, { tenantId, month: MONTH, by: 'ann' }));
    told = await evidenceOf(statement);
  });

  const toldOf = (figure: EvidenceFigure) =>
    told.find((one) => one.explanation.figure === figure) ?? expect.fail(figure);

  it('says how the interactions came about', () => {
    const { explanation, rows } = toldOf('interactions');
    expect(explanation).toMatchObject({
      stated: 6,
      counted: 6,
      days: { first: '2026-03-01', last: '2026-03-31' },
      policies: [
        { first: '2026-03-01', last: '2026-03-14', policy: 'all', directions: ['outbound', 'inbound'] },
        { first: '2026-03-15', last: '2026-03-31', policy: 'outbound-only', directions: ['outbound'] },
      ],
      by: {
        environment: { prod: 5, test: 1 },
        channel: { email: 4, sms: 1, form_submission: 1 },
        day: { '2026-03-01': 1, '2026-03-02': 1, '2026-03-14': 1, '2026-03-20': 1, '2026-03-22': 1, '2026-03-31': 1 },
      },
      rows: 6,
      interactions: 6,
      voided: 1,
      late: { interactions: 1, since: '2026-04-01T02:00:00.000Z' },
      bounds: { positions: statement.evidence.positions, epochs: statement.evidence.epochs },
    });
    expect(rows.map(({ eventId }) => eventId)).toEqual(['march', 'sms', 'form', 'test', 'erased', 'late']);
    expect(rows[0]).toEqual({
      tenantId,
      environmentId: 'prod',
      entityType: 'contact',
      entityId: 'c1',
      eventId: 'march',
      occurredAt: '2026-03-01T00:00:00.000Z',
      channel: 'email',
      direction: 'outbound',
      journeyId: 'j "1", a',
      provider: 'p',
      log: expect.stringMatching(/tally\.interactions\.v1\/\d\/\d+@\d+$/),
    });
    expect(rows[4]).toMatchObject({ eventId: 'erased', entityId: '' });
  });

  it('says how the engaged people came about', () => {
    const { explanation, rows } = toldOf('engagedPeople');
    expect(explanation).toMatchObject({
      stated: 7,
      days: { first: '2025-04-01', last: '2026-03-31' },
      by: {
        environment: { prod: 6, test: 1 },
        entityType: { contact: 6, lead: 1 },
        lastInteractionMonth: { '2025-04': 1, '2026-02': 1, '2026-03': 5 },
      },
      interactions: 8,
      voided: 1,
      late: { interactions: 1 },
    });
    const ids = rows.map(({ entityId }) => String(entityId)).sort();
    expect(ids).toEqual(['', 'c1', 'c2', 'c3', 'c5', 'early', 'l1']);
    expect(rows.find(({ entityId }) => entityId === 'c1')).toEqual({
      tenantId,
      environmentId: 'prod',
      entityType: 'contact',
      entityId: 'c1',
      firstInteractionAt: '2026-03-01T00:00:00.000Z',
      lastInteractionAt: '2026-03-02T10:00:00.000Z',
      interactions: 2,
      lastLog: toldOf('interactions').rows.find(({ eventId }) => eventId === 'sms')?.['log'],
    });
    expect(toldOf('engagedPeoplePeak').explanation.days).toEqual(engagedWindow(statement.engagedPeople.peak.day));
  });

  it('says who the unified people are', () => {
    const { explanation, rows } = toldOf('unifiedPeople');
    expect(explanation).toMatchObject({
      stated: 4,
      by: { environment: { prod: 3, test: 1 } },
      rows: 7,
      published: { at: '2026-03-31T23:00:00.000Z', rules: { kinds: null } },
    });
    const persons = Map.groupBy(rows, ({ personLog }) => personLog);
    const groups = [...persons.values()].map((own) => own.map((row) => `${row['environmentId']}/${row['recordId']}`));
    expect(groups).toEqual([['prod/r1', 'prod/r2'], ['prod/r3', 'prod/r4'], ['prod/r6'], ['test/r1', 'test/r9']]);
    for (const [place, own] of persons) expect(own.filter(({ log: of }) => of === place)).toHaveLength(1);
  });

  it('can be asked of a part', async () => {
    const of = async (part: object, figure: EvidenceFigure = 'interactions') => {
      const { stated, counted, addsUp } = await explain(system.clickhouse, { statement, figure, ...part });
      const { rows } = await evidence.pagesOf({ statement, figure, ...part }, 2);
      const file = await evidence.exported({ statement, figure, ...part }, 'csv');
      expect(file).toHaveLength(rows.length);
      return { stated, counted, addsUp, rows: rows.length };
    };
    expect(await of({ environment: 'test' })).toEqual({ stated: 1, counted: 1, addsUp: true, rows: 1 });
    expect(await of({ environment: 'none' })).toEqual({ stated: 0, counted: 0, addsUp: true, rows: 0 });
    expect(await of({ channel: 'email' })).toEqual({ stated: 4, counted: 4, addsUp: true, rows: 4 });
    expect(await of({ day: '2026-03-22' })).toEqual({ stated: null, counted: 1, addsUp: true, rows: 1 });
    expect(await of({ channel: 'email', environment: 'test' })).toMatchObject({ stated: null, counted: 1, rows: 1 });
    expect(await of({ environment: 'test' }, 'engagedPeople')).toMatchObject({ stated: 1, counted: 1, rows: 1 });
    expect(await of({ environment: 'test' }, 'engagedPeoplePeak')).toMatchObject({ stated: null, counted: 1 });
    expect(await of({ environment: 'test' }, 'unifiedPeople')).toMatchObject({ stated: 1, counted: 1, rows: 2 });
    const refused = { code: 'NARROWING_INVALID' };
    for (const figure of ['engagedPeople', 'unifiedPeople'] as const) {
      await expect(of({ channel: 'email' }, figure)).rejects.toMatchObject(refused);
      await expect(of({ day: '2026-03-22' }, figure)).rejects.toMatchObject(refused);
    }
  });

  it('stays what it is when events, voids, profiles and policies come later, and rows are written twice', async () => {
    await send(
      event('later', '2026-03-01T00:00:00Z', { entityId: 'new' }),
      event('later-sms', '2026-03-02T10:00:00Z', { channel: 'sms' }),
      event('later-window', '2025-06-01T00:00:00Z', { entityId: 'newer' }),
    );
    await takeBack(events.march, events.first, late);
    await sendProfiles({ r1: 'b@x.io', r2: null, r7: 'new@x.io' });
    await sendProfiles({ r9: 'other@x.io' }, 'test');
    await system.aggregate(() => at('2026-04-11T02:00:00Z'));
    const starts = policiesFrom(['2026-03-01', 'outbound-only']);
    await decidePolicies(system.clickhouse, { tenantId, changedAt: NOW, changedBy: 'ann', because: '', starts });
    for (const table of ['interactions', 'voided_interactions', 'profile_changes']) {
      const again = `INSERT INTO ${table} SELECT * FROM ${table} WHERE tenant_id = {tenantId:String}`;
      for (const shard of system.clickhouse.shards) await shard.command(again, { tenantId });
    }
    expect(await evidenceOf(statement)).toEqual(told);
  });

  it('does not add up where the statement, or a row, is not what it was', async () => {
    const { digest: _, ...content } = statement;
    const others: [EvidenceFigure, Partial<Statement>][] = [
      ['interactions', { interactions: { ...content.interactions, used: 7 } }],
      ['interactions', { interactions: { ...content.interactions, byChannel: { email: 5, sms: 1 } } }],
      ['engagedPeople', { engagedPeople: { ...content.engagedPeople, byEntityType: { contact: 7 } } }],
      ['unifiedPeople', { unifiedPeople: { ...content.unifiedPeople, byEnvironment: { prod: 4 } } }],
    ];
    for (const [figure, change] of others) {
      const other = sealed({ ...content, ...change });
      expect(await explain(system.clickhouse, { statement: other, figure })).toMatchObject({ addsUp: false });
    }
  });

  it('says so where it was not noted what was read', async () => {
    const other = freshTenant('old');
    const published = { tenantId: other, meter: 'unified' as const, policy: '', runId: crypto.randomUUID() };
    const [unified] = statement.evidence.unified;
    const positions = unified?.positions ?? expect.fail('nothing published');
    const { digest: _, ...content } = statement;
    const figure = { ...content.unifiedPeople, used: 3, byEnvironment: { prod: 3 } };
    const publishedAt = '2026-03-31T20:00:00.000Z';
    const old = sealed({
      ...content,
      unifiedPeople: figure,
      evidence: { ...content.evidence, unified: [{ day: figure.day, publishedAt, positions }] },
    });
    await writeSnapshots(system.clickhouse, [
      {
        ...published,
        tenantId,
        period: '2026-03-31',
        computedAt: at(publishedAt),
        total: 3,
        breakdown: { byEnvironment: { prod: 3 }, recordsByEnvironment: { prod: 5 } },
        positions,
      },
    ]);
    const notKept = { code: 'EVIDENCE_NOT_KEPT' };
    const asked = { statement: old, figure: 'unifiedPeople' } as const;
    expect(await explain(system.clickhouse, asked)).toMatchObject({ counted: null, addsUp: false, notKept });
    await expect(page(system.clickhouse, { ...asked, limit: 10 })).rejects.toMatchObject(notKept);
    await expect(exportRows(system.clickhouse, asked, 'csv')).rejects.toMatchObject(notKept);
  });

  it.each(['', 'x', '2026-03-01', '2026-03-01.99999999999999999999', '2026-13-01.1', '2026-02-30.1', '1.prod'])(
    'refuses %j as a cursor',
    async (after) => {
      const asked = { statement, figure: 'interactions', after, limit: 1 } as const;
      await expect(page(system.clickhouse, asked)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    },
  );
});
