import { describe, expect, it } from 'vitest';
import { IdentifierHasher } from './identifiers.ts';

const SECRET = 'a secret of the tests';

function hash(identifiers: [string, string][], tenantId = 'contoso', hasher = new IdentifierHasher(SECRET)): string[] {
  const hashed = hasher.hash(
    tenantId,
    identifiers.map(([kind, value]) => ({ kind, value })),
  );
  return hashed.map(({ kind, key }) => `${kind} ${key.toString('hex')}`);
}

describe('IdentifierHasher', () => {
  it('gives two spellings of one identifier one key', () => {
    expect(hash([['email', ' Lamar@Contoso.com ']])).toEqual(hash([['email', 'lamar@contoso.com']]));
    expect(hash([['phone', '0048 600-100']])).toEqual(hash([['phone', '+48600100']]));
  });

  it('names each identifier of a record once', () => {
    expect(
      hash([
        ['email', 'a@x.io'],
        ['email', 'A@x.io '],
        ['phone', '1'],
      ]),
    ).toHaveLength(2);
  });

  it('keeps the same value of two kinds apart', () => {
    const [one = '', other = ''] = hash([
      ['email', '1'],
      ['phone', '1'],
    ]);
    expect(one.split(' ')[1]).not.toBe(other.split(' ')[1]);
  });

  it('leaves out what identifies nobody', () => {
    expect(
      hash([
        ['email', '  '],
        ['phone', 'unknown'],
        ['loyalty', ''],
      ]),
    ).toEqual([]);
  });

  it('gives two tenants different keys, and one tenant the same for ever, however many there are', () => {
    const hasher = new IdentifierHasher(SECRET);
    const before = hash([['email', 'a@x.io']], 'contoso', hasher);
    const others = Array.from({ length: 10_100 }, (_, tenant) => hash([['email', 'a@x.io']], `t${tenant}`, hasher)[0]);
    expect(new Set([...before, ...others]).size).toBe(10_101);
    expect(hash([['email', 'a@x.io']], 'contoso', hasher)).toEqual(before);
  });
});
