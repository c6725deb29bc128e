/**
 * Variants of one test that each start processes of their own. A usual run takes some of them, others every day;
 * `TALLY_TEST_ALL=1`, as in `npm run test:all`, takes them all.
 */
import { parseConfig } from '@tally/platform/config';
import { z } from 'zod';

const MS_PER_DAY = 86_400_000;

const someOfConfig = z.object({ TALLY_TEST_ALL: z.enum(['0', '1'], 'expected 0 or 1').default('0') });

const isAll = (env: Readonly<Record<string, string | undefined>>): boolean =>
  parseConfig(someOfConfig, env).TALLY_TEST_ALL === '1';

/** How many random histories are tried: `few`, or `all`. */
export function runsOf(few: number, all: number): number {
  return isAll(process.env) ? all : few;
}

/** `count` of the variants, in their order; which ones, the day says. Throws `CONFIG_INVALID` for another `TALLY_TEST_ALL`. */
export function someOf<Variant>(
  variants: readonly Variant[],
  count = 1,
  env: Readonly<Record<string, string | undefined>> = process.env,
  now = Date.now(),
): Variant[] {
  if (isAll(env)) return [...variants];
  const first = Math.floor(now / MS_PER_DAY) * count;
  const taken = new Set(Array.from({ length: count }, (_, index) => (first + index) % variants.length));
  return variants.filter((_, index) => taken.has(index));
}
