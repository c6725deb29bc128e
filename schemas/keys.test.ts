import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entityKey, profileKey, recordKey } from './keys.ts';
import { ENTITY_TYPES, type EntityIdentity } from './records.ts';
import { anyRecord } from './test-records.ts';

const entity = { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId: 'a/b' } as const;

test('an entity’s key is its tenant, environment, type and id', () => {
  expect(entityKey(entity)).toBe('contoso/prod/contact/a/b');
});

test('a source record’s key is its tenant, environment, source and id', () => {
  const record = { tenantId: 'contoso', environmentId: 'prod', source: 'crm', recordId: 'r-1' };
  expect(profileKey(record)).toBe('contoso/prod/crm/r-1');
});

test('a void has the key of the interaction it takes back', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      if (record.schema === 'ProfileRecord') {
        expect(recordKey(record)).toBe(profileKey(record.value));
        return;
      }
      const { eventId, tenantId, environmentId, entityType, entityId } = record.value;
      const identity = { eventId, tenantId, environmentId, entityType, entityId };
      const value = { ...identity, voidedAt: 1, reason: '' };
      expect(recordKey({ schema: 'InteractionVoided', value })).toBe(recordKey(record));
    }),
  );
});

test('two valid entities never have one key', () => {
  const scope = fc.string({ unit: fc.constantFrom('a', '.', ':', '-'), minLength: 1, maxLength: 3 });
  const anyEntity: fc.Arbitrary<EntityIdentity> = fc.record({
    tenantId: scope,
    environmentId: scope,
    entityType: fc.constantFrom(...ENTITY_TYPES),
    entityId: fc.string({ unit: fc.constantFrom('a', '/', '-'), minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(anyEntity, anyEntity, (one, other) => {
      expect(entityKey(one) === entityKey(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 5_000 },
  );
});
