import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { type PackChoice, packsFor, packsOffered } from './packs.ts';

const offersOf = (...sizes: number[]) => sizes.map((packSize, index) => ({ sku: `p${index}`, packSize }));

it.each([
  [0, ''],
  [-5, ''],
  [1, '1 x 5000'],
  [5_000, '1 x 5000'],
  [5_001, '2 x 5000'],
  [15_001, '1 x 20000'],
  [20_001, '1 x 5000, 1 x 20000'],
  [99_999, '1 x 100000'],
  [100_000, '1 x 100000'],
  [119_000, '1 x 20000, 1 x 100000'],
  [1_000_000_001, '1 x 5000, 10000 x 100000'],
])('%i people take, of what the catalogue offers, %s', (people, packs) => {
  expect(text(packsFor(people, packsOffered('engaged')))).toBe(packs);
});

it.each([
  ['less surplus before fewer packs', 11_000, [10_000, 4_000], '3 x 4000'],
  ['fewer packs at the same surplus', 12_000, [10_000, 6_000, 4_000, 2_000], '1 x 10000, 1 x 2000'],
  ['not always the largest first', 30, [25, 10], '3 x 10'],
  ['one size', 7, [5], '2 x 5'],
  ['a size twice', 5, [5, 5], '1 x 5'],
  ['large sizes without anything in common', 7_980, [3_989, 4_001], '1 x 3989, 1 x 4001'],
])('%s', (_, people, sizes, packs) => {
  expect(text(packsFor(people, offersOf(...sizes)))).toBe(packs);
});

test('unified people have packs of their own', () => {
  expect(packsFor(50_001, packsOffered('unified'))).toEqual([
    { sku: 'ci-unified-people', packSize: 50_000, quantity: 2 },
  ]);
});

test('sizes with too little in common are refused rather than worked on for hours', () => {
  expect(packsFor(900_000_000, offersOf(999_983, 999_979))).toBeUndefined();
  expect(packsFor(900_000_000, offersOf(999_000, 998_000))).toBeDefined();
});

it.each([[[]], [[0]], [[-1]], [[1.5]], [[5, Number.NaN]]])('sizes %j are refused', (sizes) => {
  expect(() => packsFor(1, offersOf(...sizes))).toThrow(RangeError);
});

test('no other packs cover it with less surplus, or as little with fewer packs', () => {
  const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
  const unit = fc.constantFrom(1, 7, 1_000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), sizes, unit, (people, small, times) => {
      const chosen = packsFor(people * times, offersOf(...small.map((size) => size * times))) ?? [];
      const covered = chosen.reduce((sum, { packSize, quantity }) => sum + packSize * quantity, 0) / times;
      const packs = chosen.reduce((sum, { quantity }) => sum + quantity, 0);
      expect([covered - people, packs]).toEqual(bruteForce(people, small));
    }),
    { numRuns: 500 },
  );
});

/** Tries every number of every pack; least surplus, then fewest packs. */
function bruteForce(people: number, [size = 1, ...others]: readonly number[]): [surplus: number, packs: number] {
  const enough = Math.max(0, Math.ceil(people / size));
  if (others.length === 0) return [enough * size - people, enough];
  let best: [number, number] = [Number.POSITIVE_INFINITY, 0];
  for (let quantity = 0; quantity <= enough; quantity++) {
    const [surplus, packs] = bruteForce(people - quantity * size, others);
    const found: [number, number] = [surplus, packs + quantity];
    if (found[0] < best[0] || (found[0] === best[0] && found[1] < best[1])) best = found;
  }
  return best;
}

function text(packs: readonly PackChoice[] | undefined): string | undefined {
  return packs?.map(({ packSize, quantity }) => `${quantity} x ${packSize}`).join(', ');
}
