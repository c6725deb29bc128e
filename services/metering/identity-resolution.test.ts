import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityResolution, type Resolution } from './identity-resolution.ts';

type Records = readonly (readonly bigint[])[];

const NO_LIMIT = { sharedByMax: 1_000_000, listedMax: 100 };

function resolve(records: Records, options = NO_LIMIT): Resolution {
  return resolutionOf(records).resolve(options);
}

function resolutionOf(records: Records): IdentityResolution {
  const resolution = new IdentityResolution();
  for (const keys of records) {
    for (const key of keys) {
      const [a = 0, b = 0, c = 0, d = 0] = [0n, 32n, 64n, 96n].map((shift) => Number((key >> shift) & 0xffff_ffffn));
      resolution.identifier(a, b, c, d);
    }
    resolution.endRecord();
  }
  return resolution;
}

function letters(...records: string[]): Records {
  return records.map((record) => [...record].map((letter) => BigInt(letter.charCodeAt(0))));
}

/** How many records have each key. */
function holdersOf(records: Records): Map<bigint, number[]> {
  const holders = new Map<bigint, number[]>();
  for (const [record, keys] of records.entries()) {
    for (const key of new Set(keys)) holders.set(key, [...(holders.get(key) ?? []), record]);
  }
  return holders;
}

/** The connected groups, by walking from record to record over shared identifiers. */
function groupsByWalking(records: Records, sharedByMax: number): number {
  const holders = holdersOf(records);
  const seen = new Set<number>();
  let groups = 0;
  for (const start of records.keys()) {
    if (seen.has(start)) continue;
    groups++;
    const queue = [start];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      for (const key of records[at] ?? []) {
        const others = holders.get(key) ?? [];
        if (others.length <= sharedByMax) queue.push(...others);
      }
    }
  }
  return groups;
}

describe('IdentityResolution', () => {
  it.each([
    ['nobody', [], 0],
    ['a record without identifiers', [''], 1],
    ['two records without identifiers', ['', ''], 2],
    ['two that share one', ['a', 'a'], 1],
    ['two that share none', ['a', 'b'], 2],
    ['three joined by the one in the middle', ['a', 'b', 'ab'], 1],
    ['one that repeats an identifier', ['aa'], 1],
    ['two pairs, joined by a fifth', ['a', 'a', 'b', 'b', 'ba'], 1],
    ['a ring', ['ab', 'bc', 'ca'], 1],
  ] as [string, string[], number][])('counts %s', (_, records, people) => {
    expect(resolve(letters(...records))).toEqual({
      people,
      records: records.length,
      overLimit: [],
      overLimitOmitted: 0,
    });
  });

  it.each([0n, 32n, 64n, 96n, 127n])('tells keys apart that differ in bit %i alone', (bit) => {
    const key = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdefn;
    expect(resolve([[key], [key ^ (1n << bit)], [key]]).people).toBe(2);
  });

  it.each([
    [2, 3, ['c', 'a']],
    [3, 1, ['c']],
    [4, 1, []],
  ])('lets an identifier join nobody when more than %i records share it', (sharedByMax, people, over) => {
    const { people: found, overLimit } = resolve(letters('ac', 'abc', 'bc', 'ca'), { sharedByMax, listedMax: 9 });
    expect(found).toBe(people);
    expect(overLimit.map(({ key }) => String.fromCharCode(Number(key)))).toEqual(over);
  });

  it('counts the records that share an identifier, not how often they name it', () => {
    expect(resolve(letters('aaa', 'a'), { sharedByMax: 2, listedMax: 9 })).toMatchObject({ people: 1, overLimit: [] });
  });

  it('lists those that most records share, and says how many more there are', () => {
    const records = Array.from({ length: 5_000 }, (_, index) => [BigInt(index), BigInt(index)]);
    const all = [...records, ...records, [7n], [3n], [3n], [2n ** 127n]];
    const { people, overLimit, overLimitOmitted } = resolve(all, { sharedByMax: 1, listedMax: 2 });
    expect(people).toBe(all.length);
    expect(overLimit).toEqual([
      { key: 3n, records: 4 },
      { key: 7n, records: 3 },
    ]);
    expect(overLimitOmitted).toBe(4_998);
  });

  it('finds the groups of a plain reference on 1,000 random graphs, with a limit and with kinds left out', () => {
    // A kind is the key's lowest two bits; the rest makes keys that collide in some of their words.
    const key = fc
      .tuple(fc.nat({ max: 12 }), fc.constantFrom(0n, 32n, 64n, 96n), fc.nat({ max: 3 }))
      .map(([number, shift, kind]) => ((BigInt(number) << (shift + 2n)) % 2n ** 128n) | BigInt(kind));
    const graph = fc.record({
      records: fc.array(fc.array(key, { maxLength: 5 }), { maxLength: 80 }),
      sharedByMax: fc.integer({ min: 1, max: 12 }),
      kinds: fc.subarray([0n, 1n, 2n, 3n]),
    });
    fc.assert(
      fc.property(graph, ({ records, sharedByMax, kinds }) => {
        const joining = records.map((keys) => keys.filter((one) => kinds.includes(one & 3n)));
        const found = resolve(joining, { sharedByMax, listedMax: 1_000 });
        expect(found.people).toBe(groupsByWalking(joining, sharedByMax));
        const over = [...holdersOf(joining)].filter(([, holders]) => holders.length > sharedByMax);
        const firsts = resolutionOf(joining).firstOfPersons(sharedByMax);
        expect(new Set(firsts).size).toBe(found.people);
        for (const [record, first] of firsts.entries()) expect([first <= record, firsts[first]]).toEqual([true, first]);
        for (const [, holders] of holdersOf(joining)) {
          if (holders.length <= sharedByMax) expect(new Set(holders.map((holder) => firsts[holder])).size).toBe(1);
        }
        expect(new Map(found.overLimit.map((one) => [one.key, one.records]))).toEqual(
          new Map(over.map(([one, holders]) => [one, holders.length])),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives the same whatever the order', () => {
    const records = fc.array(fc.array(fc.bigInt({ min: 0n, max: 20n }), { maxLength: 3 }), { maxLength: 30 });
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
    const singles = Array.from({ length: 5_000 }, (_, record) => [BigInt(record)]);
    const pairs = Array.from({ length: 2_000 }, (_, pair) => [BigInt(2 * pair), BigInt(2 * pair + 1)]);
    expect(resolve([...singles, ...pairs, ...pairs]).people).toBe(3_000);
  });

  it('grows past any size it began with, and joins a chain of all records quickly', () => {
    const length = 200_000;
    const chain = Array.from({ length }, (_, record) => [BigInt(record), BigInt(record + 1)]);
    expect(resolve(chain).people).toBe(1);
    expect(resolve(chain.reverse()).people).toBe(1);
    expect(resolve(Array.from({ length }, () => [])).people).toBe(length);
  });
});
