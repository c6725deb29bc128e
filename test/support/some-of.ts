/**
 * Tests that each start processes of their own, and of which a usual run takes some, others every day: `npm test` sets
 * `TALLY_TEST_SOME=1`. Everywhere else, `npm run test:all` among it, all of them run.
 */
import { parseConfig } from '@tally/platform/config';
import { z } from 'zod';

type Env = Readonly<Record<string, string | undefined>>;

const MS_PER_DAY = 86_400_000;

const someOfConfig = z.object({ TALLY_TEST_SOME: z.enum(['0', '1'], 'expected 0 or 1').default('0') });

const areSome = (env: Env): boolean => parseConfig(someOfConfig, env).TALLY_TEST_SOME === '1';

/** How many random histories are tried, or what else is many or few: the first in a usual run, the second elsewhere. */
export function runsOf(few: number, all: number): number {
  return areSome(process.env) ? few : all;
}

/**
 * `count` of the tests, in their order, or all; which ones, the day says. Throws `CONFIG_INVALID` for another
 * `TALLY_TEST_SOME`.
 */
export function someOf<Test>(
  tests: readonly Test[],
  count = 1,
  env: Env = process.env,
  now = Date.now(),
): readonly Test[] {
  if (!areSome(env)) return tests;
  const first = Math.floor(now / MS_PER_DAY) * count;
  const taken = new Set(Array.from({ length: count }, (_, index) => (first + index) % tests.length));
  return tests.filter((_, index) => taken.has(index));
}
