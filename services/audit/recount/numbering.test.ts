import { expect, it } from 'vitest';
import { Numbering } from './numbering.ts';

it('gives the same bytes the same number, others the next one, past every growth', () => {
  const numbering = new Numbering();
  const bytes = (index: number): Buffer => Buffer.from(`entity/${index}`);
  for (let index = 0; index < 10_000; index++) {
    expect(numbering.numberOf(bytes(index))).toBe(index);
    const earlier = (index * 7_919) % (index + 1);
    expect(numbering.numberOf(bytes(earlier))).toBe(earlier);
  }
  expect(numbering.size).toBe(10_000);
});
