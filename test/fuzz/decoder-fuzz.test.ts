/**
 * The short form of `npm run fuzz`: other values at every run, under a seed that is printed.
 */
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { goldenValues } from './avro-mutations.ts';
import { fuzzDecoder, mutationOf } from './decoder-fuzz.ts';

const VALUES = 20_000;
const SEED_END = 2 ** 32;

describe('mutated Avro values', () => {
  const seed = randomInt(SEED_END);

  it(`all come to a record or a reason, with seed ${seed}`, () => {
    const { values, decoder, consumer } = fuzzDecoder(seed, { from: 0, to: VALUES });
    const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
    expect(values).toBe(VALUES);
    expect(total(decoder)).toBe(VALUES);
    expect(total(consumer)).toBe(2 * VALUES);
    // The mutations get as far as they are meant to.
    for (const outcome of ['record', 'malformed-datum', 'unknown-framing', 'unknown-schema', 'invalid-utf8']) {
      expect(decoder[outcome]).toBeGreaterThan(VALUES / 1_000);
    }
    for (const outcome of ['record', 'key-mismatch', 'wrong-partition', 'wrong-topic', 'invalid-id']) {
      expect(consumer[outcome]).toBeGreaterThan(VALUES / 1_000);
    }
  });

  it('are the same ones under the same seed', () => {
    for (let item = 0; item < 100; item++) expect(mutationOf(7, item)).toEqual(mutationOf(7, item));
    const distinct = new Set(Array.from({ length: 1_000 }, (_, item) => mutationOf(7, item).toString('hex')));
    expect(distinct.size).toBeGreaterThan(900);
  });

  it('begin with values that can all be decoded', () => {
    expect(goldenValues().length).toBeGreaterThan(50);
  });
});
