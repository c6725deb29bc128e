import type { EntityIdentity, Interaction } from '@tally/schemas';
import { ENTITY_TYPES } from '@tally/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHashOf, entityKeyOf, eventKeyOf, identifierKeyOf, KEY_BYTES, tenantSecretOf } from './hash.ts';
import { interaction } from './test-events.ts';

/** Few letters, so that boundaries between fields fall in all places. */
const letters = fc.string({ unit: fc.constantFrom('a', '/', '-', '"', ','), minLength: 1, maxLength: 3 });
const event = fc.record({
  tenantId: letters,
  environmentId: letters,
  entityType: fc.constantFrom(...ENTITY_TYPES),
  entityId: letters,
  eventId: letters,
});

function same(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function entityOf({ tenantId, environmentId, entityType, entityId }: EntityIdentity): EntityIdentity {
  return { tenantId, environmentId, entityType, entityId };
}

describe('eventKeyOf and entityKeyOf', () => {
  it('have one key for one identity, and no key for two, wherever the fields’ edges lie', () => {
    fc.assert(
      fc.property(event, event, (one, other) => {
        expect(eventKeyOf(one).equals(eventKeyOf(other))).toBe(same(one, other));
        expect(entityKeyOf(one).equals(entityKeyOf(other))).toBe(same(entityOf(one), entityOf(other)));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    [
      { tenantId: 'ab', environmentId: 'c' },
      { tenantId: 'a', environmentId: 'bc' },
    ],
    [
      { entityId: 'ab', eventId: 'c' },
      { entityId: 'a', eventId: 'bc' },
    ],
    [
      { entityId: 'c/e', eventId: '1' },
      { entityId: 'c', eventId: 'e/1' },
    ],
    [{ entityId: 'É' }, { entityId: 'E\u0301' }],
    [{ eventId: 'E-1' }, { eventId: 'e-1' }],
  ])('keep %j and %j apart', (one, other) => {
    const keys = [one, other].map((change) => eventKeyOf(interaction(change).value).toString('hex'));
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('do not depend on anything but the identity', () => {
    const { value } = interaction();
    const changed = { ...value, occurredAt: 0, channel: 'sms', direction: 'inbound', provider: 'x' } as const;
    expect(eventKeyOf(changed).equals(eventKeyOf(value))).toBe(true);
  });

  // Changing a key would count every event again that comes a second time.
  it('stay what they are for ever', () => {
    expect(eventKeyOf(interaction().value).toString('hex')).toBe('6e25ea183b7931c54093a286cf38a49f');
    expect(entityKeyOf(interaction().value).toString('hex')).toBe('60e4ba4e6b117e995d71b7eb58ddcfc6');
    expect(eventKeyOf(interaction().value)).toHaveLength(KEY_BYTES);
  });
});

describe('contentHashOf', () => {
  const changes: Partial<Interaction>[] = [
    { channel: 'sms' },
    { direction: 'inbound' },
    { occurredAt: 1 },
    { journeyId: 'j' },
    { provider: 'j' },
    { provider: 'null' },
    { journeyId: 'j', provider: 'p' },
    { journeyId: 'p', provider: 'j' },
    { journeyId: 'j","p' },
    {},
  ];

  it('differs when anything but the identity does', () => {
    const hashes = changes.map((change) => contentHashOf(interaction(change).value));
    expect(new Set(hashes).size).toBe(changes.length);
  });

  it('does not depend on the identity', () => {
    const other = interaction({ eventId: 'x', entityId: 'y', tenantId: 'z' });
    expect(contentHashOf(other.value)).toBe(contentHashOf(interaction().value));
  });
});

describe('identifiers', () => {
  const secret = 'a secret of the tests';

  it('of two tenants have nothing in common', () => {
    const keys = ['contoso', 'fabrikam'].map((tenantId) =>
      identifierKeyOf(tenantSecretOf(secret, tenantId), 'email', 'a@x.io').toString('hex'),
    );
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('of two installations have nothing in common', () => {
    expect(tenantSecretOf(secret, 'contoso').equals(tenantSecretOf('another secret', 'contoso'))).toBe(false);
  });

  it('of two kinds have nothing in common, wherever the kind ends', () => {
    const tenant = tenantSecretOf(secret, 'contoso');
    const keys = [
      ['email', 'a'],
      ['emaila', ''],
      ['phone', 'a'],
      ['', 'emaila'],
    ].map(([kind = '', value = '']) => identifierKeyOf(tenant, kind, value).toString('hex'));
    expect(new Set(keys).size).toBe(4);
    expect(identifierKeyOf(tenant, 'email', 'a')).toHaveLength(KEY_BYTES);
  });

  it('stay what they are for ever', () => {
    expect(identifierKeyOf(tenantSecretOf(secret, 'contoso'), 'email', 'a@x.io').toString('hex')).toBe(
      'afc052b7d429e97eb97450fbec6009cb',
    );
  });
});
