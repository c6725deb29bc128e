import { expect, it } from 'vitest';
import { tally } from '../support/tally-command.ts';

it('holds every figure of the demo against the simulator’s truth, with two consumers', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { exitCode, stdout, stderr } = await tally(
    ...['demo', '--once', '--json', '--events', '10000', '--consumers', '2', '--seed', String(seed)],
  );
  const context = `seed ${seed}\n${stderr}`;
  expect(exitCode, context).toBe(0);
  const report = JSON.parse(stdout) as { equal: boolean; differences: string[]; months: unknown[] };
  expect(report.differences, context).toEqual([]);
  expect(report.equal, context).toBe(true);
  expect(report.months, context).toHaveLength(5 * 14);
});
