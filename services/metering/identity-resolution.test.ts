import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityResolution } from './identity-resolution.ts';

type Records = readonly (readonly string[])[];

function resolve(records: Records): IdentityResolution {
  const resolution = new IdentityResolution();
  for (const identifiers of records) resolution.add(identifiers);
  return resolution;
}

/** The connected groups, by walking from record to record over shared identifiers. */
function groupsByWalking(records: Records): number {
  const holders = new Map<string, number[]>();
  for (const [record, identifiers] of records.entries()) {
    for (const identifier of identifiers) holders.set(identifier, [...(holders.get(identifier) ?? []), record]);
  }
  const seen = new Set<number>();
  let groups = 0;
  for (const start of records.keys()) {
    if (seen.has(start)) continue;
    groups++;
    const queue = [start];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      for (const identifier of records[at] ?? []) queue.push(...(holders.get(identifier) ?? []));
    }
  }
  return groups;
}

describe('IdentityResolution', () => {
  it.each([
    ['nobody', [], 0],
    ['a record without identifiers', [[]], 1],
    ['two records without identifiers', [[], []], 2],
    ['two that share one', [['a'], ['a']], 1],
    ['two that share none', [['a'], ['b']], 2],
    ['three joined by the one in the middle', [['a'], ['b'], ['a', 'b']], 1],
    ['one that repeats an identifier', [['a', 'a']], 1],
    ['two pairs, joined by a fifth', [['a'], ['a'], ['b'], ['b'], ['b', 'a']], 1],
    [
      'a ring',
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'a'],
      ],
      1,
    ],
    ['names that an object has by itself', [['__proto__'], ['constructor'], ['__proto__']], 2],
  ] as [string, Records, number][])('counts %s', (_, records, people) => {
    expect(resolve(records).people).toBe(people);
    expect(resolve(records).records).toBe(records.length);
  });

  it('finds the groups that walking from record to record finds', () => {
    const identifier = fc.integer({ min: 0, max: 60 }).map(String);
    const records = fc.array(fc.array(identifier, { maxLength: 4 }), { maxLength: 80 });
    fc.assert(
      fc.property(records, (all) => {
        expect(resolve(all).people).toBe(groupsByWalking(all));
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives the same whatever the order', () => {
    const records = fc.array(fc.array(fc.integer({ min: 0, max: 20 }).map(String), { maxLength: 3 }), {
      maxLength: 30,
    });
    const shuffled = records.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(resolve(other).people).toBe(resolve(all).people);
      }),
    );
  });

  it('keeps what it knew when it grows', () => {
    const singles = Array.from({ length: 5_000 }, (_, record) => [`${record}`]);
    const pairs = Array.from({ length: 2_000 }, (_, pair) => [`${2 * pair}`, `${2 * pair + 1}`]);
    expect(resolve([...singles, ...pairs, ...pairs]).people).toBe(3_000);
  });

  it('grows past any size it began with, and joins a chain of all records quickly', () => {
    const length = 200_000;
    const chain = Array.from({ length }, (_, record) => [`${record}`, `${record + 1}`]);
    expect(resolve(chain).people).toBe(1);
    expect(resolve(chain.reverse()).people).toBe(1);
    expect(resolve(Array.from({ length }, () => [])).people).toBe(length);
  });
});
