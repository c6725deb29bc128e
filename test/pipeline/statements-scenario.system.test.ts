/**
 * Twenty-six months of a tenant through the whole pipeline: each statement beside what an independent model says of what
 * was known by then.
 */
import { createHash } from 'node:crypto';
import { tenantTrueUp } from '@tally/figures';
import { issueStatement, type Statement, verifyStatements } from '@tally/statements';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISSUED_BY, type PlayedStatement, playScenario, statementSources } from '../support/play-scenario.ts';
import { SCENARIO_MONTHS, type StatementModel, scenarioOf } from '../support/statement-model/index.ts';
import { freshTenant, TestSystem } from '../support/system.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);

interface Row {
  tenant_id: string;
  number: number;
  month: string;
  issued_at: string;
  digest: string;
  previous_digest: string;
  log_offset: string;
  document: string;
}

describe(`statements over ${SCENARIO_MONTHS.length} months (seed ${SEED})`, () => {
  const [large, small] = [freshTenant('large'), freshTenant('small')];
  let system: TestSystem;
  let model: StatementModel;
  let played: PlayedStatement[];

  beforeAll(async () => {
    system = await TestSystem.create('scenario');
    await system.consumer();
    ({ model, played } = await playScenario(system, scenarioOf({ seed: SEED, tenants: [large, small] })));
  });

  afterAll(() => system.close());

  const of = (tenantId: string): PlayedStatement[] => played.filter((one) => one.tenantId === tenantId);
  const statementOf = (month: string, tenantId = large): PlayedStatement =>
    of(tenantId).find((one) => one.month === month) ?? expect.fail(`${month} has no statement`);

  it.each(SCENARIO_MONTHS)('say of %s what the model says', (month) => {
    expectEqual(statementOf(month));
  });

  it('of a small tenant beside it hold nothing of the large one', () => {
    expect(of(small)).toHaveLength(5);
    for (const one of of(small)) expectEqual(one);
  });

  it('are tied to one another by digests that anyone can work out', () => {
    for (const tenantId of [large, small]) {
      let previous: string | null = null;
      for (const [index, { statement, text }] of of(tenantId).entries()) {
        const { digest, ...content } = JSON.parse(text) as Statement;
        expect(text).toBe(canonical(statement));
        expect(digest).toBe(`sha256:${createHash('sha256').update(canonical(content)).digest('hex')}`);
        expect([statement.number, statement.previousDigest]).toEqual([index + 1, previous]);
        previous = digest;
      }
    }
  });

  it('are the same bytes when they are issued again, by somebody else and later', async () => {
    const later = statementSources(system, Date.now());
    for (const { tenantId, month, text } of played) {
      const again = await issueStatement(later, { tenantId, month, by: 'somebody else' });
      expect(again.issued).toBe(false);
      expect(again.text).toBe(text);
    }
  });

  it.each(['2024-02-29', '2025-02-28', '2026-02-28'])('and the true-up of the year from %s', async (startsOn) => {
    const today = '2026-03-31';
    const { licenceYear, engaged, interactions, unified, peopleToBuy, unifiedPeopleToBuy } = await tenantTrueUp(
      system.clickhouse,
      { tenantId: large, startsOn, today },
    );
    const { from, until } = licenceYear;
    const figures = { engagedPeople: engaged, interactions, unifiedPeople: unified };
    expect({ from, until, ...figures, peopleToBuy, unifiedPeopleToBuy }).toEqual(
      model.tenant(large).trueUp(startsOn, today),
    );
  });

  describe('found when somebody touched the table', () => {
    let rows: Row[];

    const write = async (changed: readonly Row[]): Promise<void> => {
      await system.clickhouse.command('TRUNCATE TABLE statements');
      await system.clickhouse.insert('statements', [...changed]);
    };
    /** The large tenant's faults, in words, and how many statements were looked at. */
    const verified = async (changed: readonly Row[]): Promise<[number, string[]]> => {
      await write(changed);
      const { statements, faults } = await verifyStatements(statementSources(system, Date.now()));
      expect(faults.filter(({ tenantId }) => tenantId !== large)).toEqual([]);
      return [statements, faults.map(({ number, fault }) => `${number} ${fault}`)];
    };
    const number = (row: Row): number => (row.tenant_id === large ? row.number : 0);
    const with17 = (change: (row: Row) => Row): Row[] => rows.map((row) => (number(row) === 17 ? change(row) : row));
    const forged = (row: Row): Statement => {
      const statement = JSON.parse(row.document) as Statement;
      return { ...statement, interactions: { ...statement.interactions, used: statement.interactions.used - 1 } };
    };

    beforeAll(async () => {
      rows = await system.clickhouse.query<Row>('SELECT * FROM statements ORDER BY tenant_id, number');
    });

    afterAll(() => write(rows));

    it('nothing, while nobody did', async () => {
      expect(rows).toHaveLength(played.length);
      expect(await verified(rows)).toEqual([played.length, []]);
    });

    it('a number that was changed', async () => {
      const changed = with17((row) => ({ ...row, document: canonical(forged(row)) }));
      expect(await verified(changed)).toEqual([rows.length, ['17 digest']]);
    });

    it('a number that was changed with its digest', async () => {
      const changed = with17((row) => {
        const { digest: _, ...content } = forged(row);
        const digest = `sha256:${createHash('sha256').update(canonical(content)).digest('hex')}`;
        return { ...row, digest, document: canonical({ ...content, digest }) };
      });
      expect(await verified(changed)).toEqual([rows.length, ['17 differs', '18 previous']]);
    });

    it('a row that was deleted', async () => {
      const [count, faults] = await verified(rows.filter((row) => number(row) !== 17));
      expect([count, faults.toSorted()]).toEqual([rows.length - 1, ['17 missing', '18 number']]);
    });

    it('the last row, deleted', async () => {
      const last = SCENARIO_MONTHS.length;
      expect(await verified(rows.filter((row) => number(row) !== last))).toEqual([
        rows.length - 1,
        [`${last} missing`],
      ]);
    });

    it('two rows that were swapped', async () => {
      const [one, other] = [9, 17].map((wanted) => rows.find((row) => number(row) === wanted));
      const swapped = rows.map((row) => {
        const document = number(row) === 9 ? other?.document : number(row) === 17 ? one?.document : undefined;
        return document === undefined ? row : { ...row, document };
      });
      expect(await verified(swapped)).toEqual([rows.length, ['9 columns', '17 columns']]);
      const places = rows.map((row) => {
        const place = number(row) === 9 ? 17 : number(row) === 17 ? 9 : row.number;
        return { ...row, number: place };
      });
      const [, faults] = await verified(places);
      expect(faults).toEqual(
        expect.arrayContaining(['9 columns', '9 previous', '9 differs', '17 columns', '17 previous', '17 differs']),
      );
    });

    it('a row that was put beside the others', async () => {
      const added = rows.filter((row) => number(row) === 26).map((row) => ({ ...row, number: 27 }));
      const [count, faults] = await verified([...rows, ...added]);
      expect([count, faults]).toEqual([rows.length + 1, expect.arrayContaining(['27 unknown', '27 columns'])]);
    });
  });
});

/** What follows from what was known, and what ties the statement to its issue. */
function expectEqual({ statement, wanted, positions, at }: PlayedStatement): void {
  const { format, issuedAt, issuedBy, digest, previousDigest, evidence, ...content } = statement;
  const { evidence: wantedEvidence, ...wantedContent } = wanted;
  expect(content).toEqual(wantedContent);
  expect({ format, issuedAt, issuedBy }).toEqual({
    format: 1,
    issuedAt: new Date(at).toISOString(),
    issuedBy: ISSUED_BY,
  });
  expect(evidence.positions).toEqual(positions);
  expect(evidence.licenceVersion === null).toBe(wanted.licences.length === 0);
  expect(evidence.policies).toEqual(wantedEvidence.policies);
  expect(evidence.unified.map(({ day, publishedAt }) => ({ day, publishedAt }))).toEqual(wantedEvidence.unified);
  expect([digest, previousDigest ?? digest].join()).toMatch(/^sha256:[0-9a-f]{64},sha256:[0-9a-f]{64}$/);
}

/** RFC 8785 for what statements hold: names in order, nothing between. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}
