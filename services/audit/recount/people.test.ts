import { describe, expect, it } from 'vitest';
import { PeopleRecount } from './people.ts';
import { Scopes } from './scopes.ts';

/** People of one environment, from `kind:value` identifiers of its records. */
function recounted(records: string[][], rules: { kinds: string[] | null; limit: number }): number | undefined {
  const people = new PeopleRecount(new Scopes());
  for (const [index, identifiers] of records.entries()) {
    people.take({
      kind: 'profile',
      tenantId: Buffer.from('contoso'),
      environmentId: Buffer.from('prod'),
      source: Buffer.from('crm'),
      recordId: Buffer.from(String(index)),
      deleted: false,
      identifiers: identifiers.map((text) => {
        const [kind = '', value = ''] = text.split(':');
        return { kind: Buffer.from(kind), value: Buffer.from(value) };
      }),
    });
  }
  return people.people(() => rules).get(0)?.people;
}

const RECORDS = [
  ['email:a'],
  ['email:A', 'email:a ', 'phone:1'],
  ['phone:1'],
  ['phone:1', 'x:y'],
  ['x:y'],
  ['phone:+'],
];

describe('people recounted under a tenant’s rules', () => {
  it.each([
    ['every kind', null, 10, 2],
    ['no identifier of more than two records', null, 2, 4],
    ['no identifier of more than one record', null, 1, 6],
    ['e-mail addresses alone', ['email'], 10, 5],
    ['phone numbers and x', ['phone', 'x'], 10, 3],
    ['x, and phone numbers of at most two records', ['phone', 'x'], 2, 5],
  ])('joins by %s', (_, kinds, limit, people) => {
    expect(recounted(RECORDS, { kinds, limit })).toBe(people);
  });
});
