import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { addTo, byId, countOf, recordById } from './counts.ts';

/** Names that a plain object has of its own accord, and one that it has not. */
const IDS = ['__proto__', 'constructor', 'hasOwnProperty', 'prod', 'toString', 'valueOf'];

describe('counts by id', () => {
  it.each(IDS)('count %s as every other', (id) => {
    const counts = byId<number>();
    expect(countOf(counts, id)).toBe(0);
    addTo(counts, id, 2);
    addTo(counts, id, 3);
    expect(countOf(counts, id)).toBe(5);
    expect(JSON.stringify(counts)).toBe(`{"${id}":5}`);
    expect(countOf({}, id)).toBe(0);
  });

  it('are read from JSON with all their ids, and refused where one is no number', () => {
    const text = JSON.stringify(Object.fromEntries(IDS.map((id, index) => [id, index])));
    expect(JSON.stringify(recordById(z.number()).parse(JSON.parse(text)))).toBe(text);
    for (const wrong of ['{"__proto__":"5"}', '{"prod":null}', '[1]', 'null', '5']) {
      expect(recordById(z.number()).safeParse(JSON.parse(wrong)).success).toBe(false);
    }
  });
});
