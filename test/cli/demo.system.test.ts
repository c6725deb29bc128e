import { expect, it } from 'vitest';
import { tally } from '../support/tally-command.ts';

/** As Tally has it, and as it must be. */
interface Pair {
  tally: number;
  truth: number;
}

it('holds every figure of the demo against the simulator’s truth, with two consumers', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { exitCode, stdout, stderr } = await tally(
    ...['demo', '--once', '--json', '--events', '10000', '--consumers', '2', '--seed', String(seed)],
  );
  const context = `seed ${seed}, exit code ${exitCode}\n${stderr}`;
  expect(stdout, context).not.toBe('');
  const report = JSON.parse(stdout) as {
    equal: boolean;
    differences: string[];
    months: unknown[];
    quotas: { standing: string; meter: string; used: Pair; share: number }[];
    trueUps: { engagedPeak: Pair; peopleToBuy: Pair }[];
    ledger: { records: Pair; balanced: boolean }[];
  };
  expect(report.differences, context).toEqual([]);
  expect(exitCode, context).toBe(0);
  expect(report.equal, context).toBe(true);
  expect(report.months, context).toHaveLength(5 * 14);
  expect(report.quotas, context).toHaveLength(3 * 3);
  const people = report.quotas.filter(({ meter }) => meter === 'engagedPeople');
  expect(people.map(({ standing }) => standing)).toEqual(['comfortable', 'nearly used up', 'over']);
  const [plenty = 0, little = 0, none = 0] = people.map(({ share }) => share);
  expect([plenty <= 0.5, little > 0.9 && little <= 1, none > 1], context).toEqual([true, true, true]);
  for (const { used } of people) expect(used.tally).toBeGreaterThan(0);
  expect(report.trueUps.map(({ peopleToBuy }) => peopleToBuy.truth > 0).at(-1), context).toBe(true);
  expect(
    report.trueUps.every(({ engagedPeak }) => engagedPeak.tally === engagedPeak.truth),
    context,
  ).toBe(true);
  expect(report.ledger).toHaveLength(2);
  for (const { balanced, records } of report.ledger) expect([balanced, records.tally > 1_000]).toEqual([true, true]);
});
