import { describe, expect, it } from 'vitest';
import type { Fault } from './dead-letters.ts';
import type { Interaction, InteractionVoided, ProfileRecord } from './records.ts';
import { faultOf } from './validate.ts';

const RECEIVED_AT = Date.UTC(2026, 0, 15, 12);
const DAY_MS = 24 * 60 * 60 * 1000;

const entity = { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId: 'c-1' } as const;

function interaction(change: Partial<Interaction>): Fault | undefined {
  const value: Interaction = {
    eventId: 'e-1',
    ...entity,
    channel: 'email',
    direction: 'outbound',
    occurredAt: RECEIVED_AT,
    journeyId: null,
    provider: null,
    ...change,
  };
  return faultOf({ schema: 'Interaction', value }, RECEIVED_AT);
}

function voided(change: Partial<InteractionVoided>): Fault | undefined {
  const value: InteractionVoided = { eventId: 'e-1', ...entity, voidedAt: 0, reason: '', ...change };
  return faultOf({ schema: 'InteractionVoided', value }, RECEIVED_AT);
}

function profile(change: Partial<ProfileRecord>): Fault | undefined {
  const value: ProfileRecord = {
    tenantId: 'contoso',
    environmentId: 'prod',
    source: 'crm',
    recordId: 'r-1',
    operation: 'upsert',
    identifiers: [],
    changedAt: 0,
    ...change,
  };
  return faultOf({ schema: 'ProfileRecord', value }, RECEIVED_AT);
}

/** Every field that holds an id, and a record that has it. */
const ID_FIELDS: [string, (id: string) => Fault | undefined][] = [
  ['eventId of an interaction', (eventId) => interaction({ eventId })],
  ['entityId of an interaction', (entityId) => interaction({ entityId })],
  ['journeyId', (journeyId) => interaction({ journeyId })],
  ['eventId of a void', (eventId) => voided({ eventId })],
  ['entityId of a void', (entityId) => voided({ entityId })],
  ['source', (source) => profile({ source })],
  ['recordId', (recordId) => profile({ recordId })],
  ['kind of an identifier', (kind) => profile({ identifiers: [{ kind, value: 'x' }] })],
  [
    'kind of a later identifier',
    (kind) =>
      profile({
        identifiers: [
          { kind: 'email', value: 'x' },
          { kind, value: 'x' },
        ],
      }),
  ],
];

const VALID_IDS = [
  ['one byte', 'a'],
  ['128 bytes, one each', 'a'.repeat(128)],
  ['128 bytes, two each', 'é'.repeat(64)],
  ['128 bytes, three each', `${'漢'.repeat(42)}ab`],
  ['128 bytes, four each', '🧑'.repeat(32)],
  ['43 units of three bytes, past which ids are counted', `${'漢'.repeat(42)}b`],
  ['spaces and slashes', ' a/b c '],
  ['a character after the control characters', '\u00a0'],
  ['U+FFFD', '\ufffd'],
] as const;

const INVALID_IDS = [
  ['nothing', ''],
  ['129 bytes, one each', 'a'.repeat(129)],
  ['129 bytes, the last character of two', `${'a'.repeat(127)}é`],
  ['129 bytes, three each', '漢'.repeat(43)],
  ['129 bytes, the last character of four', `${'a'.repeat(125)}🧑`],
  ['10,000 bytes', 'a'.repeat(10_000)],
  ['U+0000', 'a\u0000b'],
  ['a line break at the end', 'a\n'],
  ['the last control character before the space', 'a\u001f'],
  ['delete', 'a\u007f'],
  ['the last control character of all', 'a\u009f'],
  ['a high surrogate alone', 'a\ud83e'],
  ['a low surrogate alone', '\uddd1a'],
  ['surrogates the wrong way round', '\uddd1\ud83e'],
] as const;

describe.each(ID_FIELDS)('%s', (_, faultWith) => {
  it.each(VALID_IDS)('may be %s', (_case, id) => {
    expect(faultWith(id)).toBeUndefined();
  });

  it.each(INVALID_IDS)('may not be %s', (_case, id) => {
    const fault = faultWith(id);
    expect(fault?.reason).toBe('invalid-id');
    if (id.length > 3) expect(fault?.detail).not.toContain(id);
  });
});

describe.each([
  ['tenantId of an interaction', (tenantId: string) => interaction({ tenantId })],
  ['environmentId of an interaction', (environmentId: string) => interaction({ environmentId })],
  ['tenantId of a void', (tenantId: string) => voided({ tenantId })],
  ['environmentId of a void', (environmentId: string) => voided({ environmentId })],
  ['tenantId of a profile', (tenantId: string) => profile({ tenantId })],
  ['environmentId of a profile', (environmentId: string) => profile({ environmentId })],
])('%s', (_, faultWith) => {
  it.each(['a', 'AZaz09_.:-', 'a'.repeat(64), '-', '0'])('may be %j', (id) => {
    expect(faultWith(id)).toBeUndefined();
  });

  it.each(['', 'a'.repeat(65), 'a/b', 'a b', 'a\n', '\na', 'é', 'a\u0000', 'a,b', '\ud83e'])('may not be %j', (id) => {
    expect(faultWith(id)?.reason).toBe('invalid-id');
  });
});

describe('occurredAt', () => {
  const EARLIEST = Date.parse('2015-01-01T00:00:00.000Z');
  it.each([
    ['the first millisecond of 2015', EARLIEST, undefined],
    ['the last millisecond of 2014', EARLIEST - 1, 'occurred-too-early'],
    ['1970', 0, 'occurred-too-early'],
    ['before 1970', -1, 'occurred-too-early'],
    ['24 hours after the broker’s timestamp', RECEIVED_AT + DAY_MS, undefined],
    ['a millisecond more than that', RECEIVED_AT + DAY_MS + 1, 'occurred-too-late'],
    ['2100', Date.UTC(2100, 0, 1), 'occurred-too-late'],
    ['a time that is no date', Number.MAX_SAFE_INTEGER - 1, 'occurred-too-late'],
  ])('%s: %i gives %s', (_, occurredAt, reason) => {
    expect(interaction({ occurredAt })?.reason).toBe(reason);
  });

  it('is the only time with bounds: voids and profile records may have any', () => {
    for (const at of [-1, 0, Number.MAX_SAFE_INTEGER - 1]) {
      expect(voided({ voidedAt: at })).toBeUndefined();
      expect(profile({ changedAt: at })).toBeUndefined();
    }
  });
});

describe('an identifier’s value', () => {
  it.each(['', ' ', 'a\tb', 'a'.repeat(10_000)])('may be any text', (value) => {
    expect(profile({ identifiers: [{ kind: 'email', value }] })).toBeUndefined();
  });

  it('may not hold a lone surrogate', () => {
    expect(profile({ identifiers: [{ kind: 'email', value: 'a\ud83e' }] })?.reason).toBe('invalid-id');
  });

  it('does not get into the detail', () => {
    const fault = profile({ identifiers: [{ kind: 'email', value: 'lamar@contoso.com\ud83e' }] });
    expect(fault?.detail).not.toContain('lamar');
  });
});

describe('a record of a sender without types', () => {
  it.each([undefined, null, 7, {}])('is refused when an id is %s', (id) => {
    const wrong = id as unknown as string;
    for (const fault of [
      interaction({ eventId: wrong }),
      interaction({ tenantId: wrong }),
      profile({ source: wrong }),
    ]) {
      expect(fault?.reason).toBe('invalid-id');
    }
  });
});
