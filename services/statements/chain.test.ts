import { describe, expect, it } from 'vitest';
import { Chains } from './chain.ts';
import { digestOf, sealed, statementOf, textOf } from './digest.ts';
import type { Statement } from './document.ts';
import { sampleContent } from './sample-content.ts';

const statement = (change: Partial<Statement> = {}): Statement => sealed({ ...sampleContent, ...change });

describe('a chain of statements', () => {
  it('takes each that follows the one before it, tenant by tenant', () => {
    const chains = new Chains();
    const first = statement({ number: 1, month: '2026-01', previousDigest: null });
    const second = statement({ number: 2, month: '2026-02', previousDigest: first.digest });
    const other = statement({ tenantId: 'other', number: 1, month: '2026-01', previousDigest: null });
    expect([first, second, other].map((one) => chains.follow(one))).toEqual([true, true, true]);
    expect(chains.endOf(first.tenantId)).toMatchObject({ number: 2, digest: second.digest });
  });

  it('takes the first of two that follow the same one', () => {
    const chains = new Chains();
    const first = statement({ number: 1, month: '2026-01', previousDigest: null, issuedBy: 'a' });
    const late = statement({ number: 1, month: '2026-01', previousDigest: null, issuedBy: 'b' });
    expect([chains.follow(first), chains.follow(late)]).toEqual([true, false]);
    const onLate = statement({ number: 2, month: '2026-02', previousDigest: late.digest });
    expect(chains.follow(onLate)).toBe(false);
  });

  it.each([
    ['a number is left out', { number: 3, month: '2026-02' }],
    ['the number is there already', { number: 1, month: '2026-02' }],
    ['it names another before it', { number: 2, month: '2026-02', previousDigest: 'sha256:0' }],
    ['the month is stated already', { number: 2, month: '2026-01' }],
  ])('takes none where %s', (_, change) => {
    const chains = new Chains();
    const first = statement({ number: 1, month: '2026-01', previousDigest: null });
    chains.follow(first);
    expect(chains.follow(statement({ previousDigest: first.digest, ...change }))).toBe(false);
  });
});

describe('a digest', () => {
  it('is of the content, in whatever order it stands', () => {
    const one = statement();
    const shuffled = Object.fromEntries(Object.entries(one).reverse()) as Statement;
    expect(digestOf(shuffled)).toBe(one.digest);
    expect(textOf(shuffled)).toBe(textOf(one));
    expect(statementOf(textOf(one))).toEqual(one);
  });

  it('is another one after any change, also of something added', () => {
    const one = statement();
    const changes: object[] = [
      { ...one, interactions: { ...one.interactions, used: one.interactions.used + 1 } },
      { ...one, previousDigest: null },
      { ...one, added: true },
    ];
    for (const changed of changes) expect(digestOf(changed as Statement)).not.toBe(one.digest);
  });

  it('is no statement without its fields', () => {
    for (const text of ['', '{', '[]', '{"format":1}', JSON.stringify({ ...statement(), format: 2 })]) {
      expect(() => statementOf(text)).toThrow(expect.objectContaining({ code: 'STATEMENT_UNREADABLE' }));
    }
  });
});
