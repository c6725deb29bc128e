import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyFilter } from './key-filter.ts';

describe('KeyFilter', () => {
  it('says of every fingerprint whether it was added before, past every growth', () => {
    const filter = new KeyFilter();
    const seen = new Set<number>();
    let state = 12_345;
    let wrong = 0;
    for (let at = 0; at < 200_000; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const fingerprint = at % 3 === 0 ? (state >>> 14) << 14 : state;
      // 0 and 1 are one.
      const name = fingerprint >>> 0 || 1;
      if (filter.add(fingerprint) === seen.has(name)) wrong++;
      seen.add(name);
    }
    expect(wrong).toBe(0);
    expect(filter.keys).toBe(seen.size);
  });

  it('does so for any fingerprints, the lowest and highest too', () => {
    const fingerprint = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.constantFrom(0, 1, 2, 2 ** 32 - 1, 2 ** 31),
    );
    fc.assert(
      fc.property(fc.array(fingerprint, { maxLength: 300 }), (fingerprints) => {
        const filter = new KeyFilter();
        const seen = new Set<number>();
        for (const one of fingerprints) {
          expect(filter.add(one)).toBe(!seen.has(one || 1));
          seen.add(one || 1);
        }
      }),
    );
  });

  it('takes 5 to 7.5 bytes a key', () => {
    const filter = new KeyFilter();
    let [most, least] = [0, Number.POSITIVE_INFINITY];
    for (let at = 1; at <= 300_000; at++) {
      filter.add(Math.imul(at, 2_654_435_761));
      if (at < 10_000) continue;
      most = Math.max(most, filter.bytes / filter.keys);
      least = Math.min(least, filter.bytes / filter.keys);
    }
    expect(most).toBeLessThan(7.51);
    expect(least).toBeGreaterThan(4.99);
  });
});
