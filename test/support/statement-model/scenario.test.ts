import { describe, expect, it } from 'vitest';
import { type ModelStatement, StatementModel } from './model.ts';
import { SCENARIO_MONTHS, scenarioOf } from './scenario.ts';

const SEEDS = Array.from({ length: 5 }, () => Math.floor(Math.random() * 2 ** 31));

describe.each(SEEDS)('the scenario of statements (seed %d)', (seed) => {
  const model = new StatementModel();
  const steps = scenarioOf({ seed, tenants: ['large', 'small'] });
  const issued = steps.flatMap((step) => model.take(step) ?? []);
  const large = issued.filter(({ tenantId }) => tenantId === 'large');
  const statementOf = (month: string): ModelStatement =>
    large.find((one) => one.month === month) ?? expect.fail(`${month} has no statement`);

  it('is the same for the same seed', () => {
    expect(scenarioOf({ seed, tenants: ['large', 'small'] })).toEqual(steps);
  });

  it('states every month of the large tenant, and some of the small one', () => {
    expect(large.map(({ month }) => month)).toEqual(SCENARIO_MONTHS);
    expect(SCENARIO_MONTHS).toHaveLength(26);
    expect(issued.length - large.length).toBe(5);
  });

  it('grows, and is over its quota at times', () => {
    const engaged = large.map(({ engagedPeople }) => engagedPeople.used);
    expect([Math.min(...engaged) > 20, Math.max(...engaged) < 300]).toEqual([true, true]);
    expect(large.filter(({ interactions }) => interactions.overage > 0).map(({ month }) => month)).toEqual(['2024-12']);
    for (const meter of ['engagedPeople', 'unifiedPeople'] as const) {
      const over = large.filter((statement) => statement[meter].overage > 0);
      expect([meter, over.length > 0, over.length < large.length]).toEqual([meter, true, true]);
    }
  });

  it('buys in the middle of a month and of a year, and renews', () => {
    const { worst, owned } = statementOf('2024-09').engagedPeople;
    expect([owned, worst && worst.day < '2024-09-17']).toEqual([110, true]);
    expect(statementOf('2024-02').licenceYear).toMatchObject({ from: '2024-02-29', until: '2025-02-28' });
    expect(statementOf('2025-01').licenceYear).toMatchObject({ from: '2024-02-29' });
    expect(statementOf('2025-02').licenceYear).toMatchObject({ from: '2025-02-28', until: '2026-02-28' });
    expect(statementOf('2026-02').licenceYear).toMatchObject({ from: '2026-02-28' });
  });

  it('has adjustments of every figure, up and down, of last month and of a year ago', () => {
    const adjustments = large.flatMap((statement) => statement.adjustments);
    for (const figure of ['interactions', 'engagedPeople', 'engagedPeoplePeak']) {
      const signs = adjustments.filter((one) => one.figure === figure).map(({ difference }) => Math.sign(difference));
      expect([figure, new Set(signs)]).toEqual([figure, new Set([1, -1])]);
    }
    const unified = adjustments.filter(({ figure }) => figure.startsWith('unified'));
    expect(new Set(unified.map(({ month }) => month))).toEqual(new Set(['2024-12']));
    const agesOf = ({ month, adjustments: of }: ModelStatement): number[] =>
      of.map((one) => SCENARIO_MONTHS.indexOf(month) - SCENARIO_MONTHS.indexOf(one.month));
    const ages = large.flatMap(agesOf);
    expect([Math.min(...ages), Math.max(...ages) >= 11]).toEqual([1, true]);
  });

  it('re-opens stated months by later decisions', () => {
    const change = (on: string, of: string): number =>
      statementOf(on).adjustments.find(({ month, figure }) => month === of && figure === 'interactions')?.difference ??
      0;
    expect(change('2025-06', '2025-04')).toBeLessThan(-20);
    expect(change('2025-06', '2025-05')).toBeLessThan(-20);
    expect(change('2025-11', '2025-10')).toBeGreaterThan(20);
    expect(statementOf('2025-11').policy).toBe('all, outbound-only from 2025-04-01, all from 2025-10-16');
  });
});
