/**
 * Ids that every JavaScript object has as names of its own accord, `constructor` or `__proto__`, are ids as all others:
 * each figure has their part, under their name, from the log to a statement and its files.
 */
import {
  engagedAnswer,
  interactionsAnswer,
  publishedAnswer,
  quotaAnswer,
  statementExplanation,
  unifiedAnswer,
  unifiedHistoryAnswer,
} from '@tally/contract';
import { createLog } from '@tally/platform/log';
import { encodeRecord, recordKey } from '@tally/schemas';
import { issueStatement, type StatementSources, statementSources, verifyStatements } from '@tally/statements';
import { explain } from '@tally/statements/evidence';
import { csvOf } from '@tally/statements/files';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import { interaction } from '../support/interaction.ts';
import { ADMIN_KEY, TestSystem } from '../support/system.ts';

const NOW = Date.parse('2026-04-10T00:00:00Z');
const TENANT = '__proto__';
const ENVIRONMENTS = ['__proto__', 'constructor', 'prod', 'toString'];
/** Of each environment; a plain object cannot be written with them all, so they are compared as entries. */
const EACH = (count: number): [string, number][] => ENVIRONMENTS.map((id) => [id, count]);
const entriesOf = (counts: Record<string, unknown> | undefined) =>
  Object.entries(counts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

let system: TestSystem;
let sources: StatementSources & { close: () => Promise<void> };
let url: string;

beforeAll(async () => {
  system = await TestSystem.create('ids_of_objects');
  await system.consumer();
  const { kafka, admin, clickhouse, topics, groupId } = system;
  const log = createLog('test', 'silent');
  sources = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays: 3, clock: () => NOW, log });
  url = await system.apiUrl();
  const producer = system.producer();
  await Promise.all(
    ENVIRONMENTS.flatMap((environmentId) =>
      ['a', 'b'].map((eventId) => {
        const value = interaction({
          tenantId: TENANT,
          environmentId,
          eventId,
          entityId: `${environmentId} ${eventId}`,
        });
        return producer.send({ schema: 'Interaction', value });
      }),
    ),
  );
  await system.sender.send(
    ENVIRONMENTS.map((environmentId) => {
      const identifiers = [{ kind: 'email', value: 'a@example.com' }];
      const of = { tenantId: TENANT, environmentId, source: 'constructor', recordId: '__proto__' };
      const record = {
        schema: 'ProfileRecord' as const,
        value: { ...of, operation: 'upsert' as const, identifiers, changedAt: 0 },
      };
      return { topic: topics.profiles, key: Buffer.from(recordKey(record)), value: encodeRecord(record) };
    }),
  );
  await system.caughtUp();
});

afterAll(async () => {
  await sources?.close();
  await system?.close();
});

/** As whoever reads the api by its contract gets it. */
async function ask<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> {
  const answer = await fetch(`${url}/v1/tenants/${TENANT}/${path}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  return schema.parse(await answer.json());
}

const csv = async (path: string): Promise<string> => {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, accept: 'text/csv' };
  const answer = await fetch(`${url}/v1/tenants/${TENANT}/${path}`, { headers });
  expect(answer.status).toBe(200);
  return answer.text();
};

/** Before anything is published, and from what is. */
it.each(['worked out', 'published'])('are in every answer, %s', async (from) => {
  if (from === 'published') await system.aggregate(() => Date.parse('2026-03-31T12:00:00Z'));
  const { months } = await ask('interactions?from=2026-03&to=2026-03', interactionsAnswer);
  expect(months.map(({ total, byEnvironment }) => [total, entriesOf(byEnvironment)])).toEqual([[8, EACH(2)]]);
  const engaged = await ask('engaged?asOf=2026-03-31', engagedAnswer);
  expect([engaged.total, entriesOf(engaged.byEnvironment)]).toEqual([8, EACH(2)]);
  const quota = await ask('quota?on=2026-03-31', quotaAnswer);
  const unified = from === 'published' ? 1 : 0;
  expect(quota.environments).toMatchObject(
    ENVIRONMENTS.map((id) => ({
      id,
      interactions: { used: 2, others: 6 },
      engagedPeople: { used: 2, others: 6 },
      unifiedPeople: { used: unified, others: 3 * unified },
    })),
  );
  for (const id of ENVIRONMENTS) {
    expect(await csv('interactions?from=2026-03&to=2026-03')).toContain(`2026-03,environment,${id},2,`);
  }
});

it('are in what is published, and in its history', async () => {
  const unified = await ask('unified', unifiedAnswer);
  expect([unified.total, unified.records, entriesOf(unified.byEnvironment)]).toEqual([4, 4, EACH(1)]);
  const { days } = await ask('unified/history?from=2026-03-31&to=2026-03-31', unifiedHistoryAnswer);
  expect(days.map(({ total, byEnvironment }) => [total, entriesOf(byEnvironment)])).toEqual([[4, EACH(1)]]);
  for (const [meter, period, total] of [
    ['interactions', '2026-03', 8],
    ['engaged', '2026-03-31', 8],
    ['unified', '2026-03-31', 4],
  ] as const) {
    const { published } = await ask(`published?meter=${meter}&period=${period}`, publishedAnswer);
    const told = published.map(({ total: of, breakdown }) => [of, entriesOf(breakdown.byEnvironment)]);
    expect([meter, told]).toEqual([meter, [[total, EACH(total / 4)]]]);
  }
});

it('are in statements, in the rows behind them and in their files', async () => {
  const { clickhouse } = system;
  const { statement, text } = await issueStatement(sources, { tenantId: TENANT, month: '2026-03', by: 'ann' });
  expect(entriesOf(statement.interactions.byEnvironment)).toEqual(EACH(2));
  expect(entriesOf(statement.engagedPeople.byEnvironment)).toEqual(EACH(2));
  expect(entriesOf(statement.unifiedPeople.byEnvironment)).toEqual(EACH(1));
  expect(statement.environments.map(({ id }) => id)).toEqual(ENVIRONMENTS);
  expect(await verifyStatements({ clickhouse, register: sources.register })).toEqual({
    statements: 1,
    inTopic: 1,
    faults: [],
  });
  expect(entriesOf((JSON.parse(text) as typeof statement).interactions.byEnvironment)).toEqual(EACH(2));
  for (const figure of ['interactions', 'engagedPeople', 'unifiedPeople'] as const) {
    const whole = figure === 'unifiedPeople' ? 4 : 8;
    expect(await explain(clickhouse, { statement, figure })).toMatchObject({
      stated: whole,
      counted: whole,
      addsUp: true,
    });
    for (const environment of ENVIRONMENTS) {
      const part = { stated: whole / 4, counted: whole / 4, addsUp: true };
      expect(await explain(clickhouse, { statement, figure, environment })).toMatchObject(part);
    }
    const { by } = await ask(`statements/2026-03/explain?figure=${figure}`, statementExplanation);
    expect(entriesOf(by.environment)).toEqual(EACH(whole / 4));
  }
  const rows = Buffer.from(csvOf(statement)).toString().split('\r\n');
  for (const id of ENVIRONMENTS) expect(rows.filter((row) => row.includes(`,used,environment,${id},`))).toHaveLength(3);
});
