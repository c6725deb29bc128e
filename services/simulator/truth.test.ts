import type { Identifier, Interaction, ProfileRecord, TallyRecord } from '@tally/schemas';
import { describe, expect, test } from 'vitest';
import { Truth } from './truth.ts';

const entity = { tenantId: 'contoso', environmentId: 'prod', entityType: 'contact', entityId: 'c1' } as const;

function interaction(eventId: string, occurredAt: string, more: Partial<Interaction> = {}): TallyRecord {
  const message = { channel: 'email', direction: 'outbound', journeyId: null, provider: null } as const;
  const value = { eventId, ...entity, ...message, occurredAt: Date.parse(occurredAt), ...more };
  return { schema: 'Interaction', value };
}

function voided(eventId: string, more: Partial<typeof entity> = {}): TallyRecord {
  return { schema: 'InteractionVoided', value: { eventId, ...entity, ...more, voidedAt: 0, reason: 'never sent' } };
}

function profile(recordId: string, identifiers: Identifier[], more: Partial<ProfileRecord> = {}): TallyRecord {
  const scope = { tenantId: 'contoso', environmentId: 'prod', source: 'crm' };
  const value = { ...scope, recordId, operation: 'upsert', identifiers, changedAt: 0, ...more } as const;
  return { schema: 'ProfileRecord', value };
}

const email = (value: string): Identifier => ({ kind: 'email', value });
const phone = (value: string): Identifier => ({ kind: 'phone', value });

function truthOf(...records: TallyRecord[]): Truth {
  const truth = new Truth();
  for (const record of records) truth.add({ kind: 'record', lane: 'client', record });
  return truth;
}

function months(truth: Truth): Record<string, number> {
  const ofTenant = truth.interactions().get('contoso') ?? new Map();
  return Object.fromEntries([...ofTenant].map(([month, { total }]) => [month, total]));
}

const engagedOn = (truth: Truth, day: string) => truth.engaged(day).get('contoso')?.total ?? 0;
const unifiedOf = (truth: Truth) => truth.unified().get('contoso')?.total ?? 0;
const NO_OUTCOMES = { counted: 0, duplicate: 0, conflicting: 0, void: 0, suppressed: 0, deadLetter: 0 };

describe('interactions', () => {
  test('a retry across a month’s end counts in the first one’s month, by its channel', () => {
    const again = interaction('e1', '2026-02-01T00:00:05Z', { channel: 'voice' });
    const truth = truthOf(interaction('e1', '2026-01-31T23:59:59.999Z'), again);
    expect(truth.interactions().get('contoso')?.get('2026-01')).toEqual({
      total: 1,
      byChannel: { email: 1 },
      byEnvironment: { prod: 1 },
    });
    expect(months(truth)).toEqual({ '2026-01': 1 });
    expect(truth.outcomes()).toEqual({ ...NO_OUTCOMES, counted: 1, conflicting: 1 });
  });

  test('the first occurrence counts even when a later one happened earlier', () => {
    const truth = truthOf(interaction('e1', '2026-03-01T00:00:00Z'), interaction('e1', '2026-02-01T00:00:00Z'));
    expect(months(truth)).toEqual({ '2026-03': 1 });
  });

  test.each([
    ['the same content', {}, 'duplicate'],
    ['another journey', { journeyId: 'welcome' }, 'conflicting'],
    ['another provider', { provider: 'ses' }, 'conflicting'],
    ['another channel', { channel: 'sms' }, 'conflicting'],
    ['another direction', { direction: 'inbound' }, 'conflicting'],
    ['a millisecond more', { occurredAt: Date.parse('2026-03-03T00:00:00.001Z') }, 'conflicting'],
  ] as const)('a repetition with %s is %s', (_, more, outcome) => {
    const truth = truthOf(interaction('e1', '2026-03-03T00:00:00Z'), interaction('e1', '2026-03-03T00:00:00Z', more));
    expect(truth.outcomes()).toEqual({ ...NO_OUTCOMES, counted: 1, [outcome]: 1 });
  });

  test('the same event id on another entity, type, environment or tenant is another event', () => {
    const at = '2026-05-05T10:00:00Z';
    const truth = truthOf(
      interaction('e1', at),
      interaction('e1', at, { entityId: 'c2' }),
      interaction('e1', at, { entityType: 'lead' }),
      interaction('e1', at, { environmentId: 'sandbox' }),
      interaction('e1', at, { tenantId: 'fabrikam' }),
    );
    expect(truth.interactions().get('contoso')?.get('2026-05')?.byEnvironment).toEqual({ prod: 3, sandbox: 1 });
    expect(truth.engaged('2026-05-05').get('contoso')).toEqual({
      total: 4,
      byEnvironment: { prod: 3, sandbox: 1 },
      byEntityType: { contact: 3, lead: 1 },
    });
    expect(truth.engaged('2026-05-05').get('fabrikam')?.total).toBe(1);
    expect(truth.tenants()).toEqual(['contoso', 'fabrikam']);
  });

  test('a million events keep apart', () => {
    const truth = new Truth();
    for (let number = 0; number < 1_000_000; number++) {
      const record = interaction(`e${number}`, '2026-05-05T10:00:00Z', { entityId: `c${number % 7}` });
      truth.add({ kind: 'record', lane: 'client', record });
    }
    expect(truth.outcomes().counted).toBe(1_000_000);
  });
});

describe('voids', () => {
  const event = interaction('e1', '2026-03-03T00:00:00Z');

  test.each([
    ['after its event', [event, voided('e1')], { counted: 1, void: 1 }],
    ['before its event', [voided('e1'), event], { void: 1, suppressed: 1 }],
    ['twice', [event, voided('e1'), voided('e1')], { counted: 1, void: 1, duplicate: 1 }],
    ['and the event is sent again', [event, voided('e1'), event], { counted: 1, void: 1, duplicate: 1 }],
    ['first, and the event comes twice', [voided('e1'), event, event], { void: 1, suppressed: 1, duplicate: 1 }],
    ['of an event never sent', [voided('e1')], { void: 1 }],
  ])('%s: nothing counts', (_, records, outcomes) => {
    const truth = truthOf(...records);
    expect(months(truth)).toEqual({});
    expect(engagedOn(truth, '2026-03-03')).toBe(0);
    expect(truth.outcomes()).toEqual({ ...NO_OUTCOMES, ...outcomes });
  });

  test('a suppressed event whose repetition differs conflicts with it', () => {
    const truth = truthOf(voided('e1'), event, interaction('e1', '2026-03-04T00:00:00Z'));
    expect(truth.outcomes()).toEqual({ ...NO_OUTCOMES, void: 1, suppressed: 1, conflicting: 1 });
  });

  test('another event of the same day keeps the entity engaged', () => {
    const truth = truthOf(event, interaction('e2', '2026-03-03T18:00:00Z'), voided('e1'));
    expect(engagedOn(truth, '2026-03-03')).toBe(1);
    expect(months(truth)).toEqual({ '2026-03': 1 });
  });

  test('a void of another entity’s event of the same id moves nothing', () => {
    expect(months(truthOf(event, voided('e1', { entityId: 'c2' as 'c1' })))).toEqual({ '2026-03': 1 });
  });
});

describe('engaged', () => {
  test.each([
    ['2025-06-15T08:00:00Z', '2025-06-14', 0],
    ['2025-06-15T08:00:00Z', '2025-06-15', 1],
    ['2025-06-15T08:00:00Z', '2026-06-14', 1],
    ['2025-06-15T08:00:00Z', '2026-06-15', 0],
    ['2025-06-15T23:59:59.999Z', '2026-06-14', 1],
    ['2025-06-15T23:59:59.999Z', '2026-06-15', 0],
    ['2024-02-29T12:00:00Z', '2025-02-27', 1],
    ['2024-02-29T12:00:00Z', '2025-02-28', 1],
    ['2024-02-29T12:00:00Z', '2025-03-01', 0],
    ['2023-02-28T12:00:00Z', '2024-02-27', 1],
    ['2023-02-28T12:00:00Z', '2024-02-28', 0],
    ['2023-02-28T12:00:00Z', '2024-02-29', 0],
    ['2023-03-01T12:00:00Z', '2024-02-29', 1],
  ])('an interaction at %s makes, on %s, %i engaged', (at, day, total) => {
    expect(engagedOn(truthOf(interaction('e1', at)), day)).toBe(total);
  });

  test('an entity is engaged once, however many interactions it has', () => {
    const truth = truthOf(interaction('e1', '2026-03-01T00:00:00Z'), interaction('e2', '2026-04-01T00:00:00Z'));
    expect(engagedOn(truth, '2026-04-01')).toBe(1);
  });

  test('a day that is none is refused', () => {
    expect(() => new Truth().engaged('2026-02-30')).toThrow(RangeError);
  });
});

describe('unified', () => {
  test('spellings of an address or number join within an environment and a kind', () => {
    const truth = truthOf(
      profile('contact-1', [email('lamar@contoso.com')]),
      profile('contact-2', [email(' Lamar@Contoso.com ')]),
      profile('lead-1', [email('LAMAR@contoso.com'), phone('+48 600 100 200')]),
      profile('77', [phone('0048 600-100-200')], { source: 'shop' }),
      profile('78', [], { source: 'shop' }),
      profile('79', [{ kind: 'login', value: 'lamar@contoso.com' }], { source: 'shop' }),
      profile('contact-1', [email('lamar@contoso.com')], { environmentId: 'sandbox' }),
    );
    expect(truth.unified().get('contoso')).toEqual({ total: 4, byEnvironment: { prod: 3, sandbox: 1 }, records: 7 });
  });

  const chain = [
    profile('a', [email('a@x.io')]),
    profile('b', [email('a@x.io'), email('b@x.io')]),
    profile('c', [email('b@x.io')]),
  ];

  test('deleting the record that joined two groups splits them', () => {
    expect(unifiedOf(truthOf(...chain))).toBe(1);
    const truth = truthOf(...chain, profile('b', [], { operation: 'delete' }));
    expect(truth.unified().get('contoso')).toEqual({ total: 2, byEnvironment: { prod: 2 }, records: 2 });
  });

  test('an update takes the old identifiers away, and a deleted record may come back', () => {
    expect(unifiedOf(truthOf(...chain, profile('b', [email('other@x.io')])))).toBe(3);
    expect(unifiedOf(truthOf(...chain, profile('b', [], { operation: 'delete' }), ...chain))).toBe(1);
  });

  test('records without identifiers do not join', () => {
    expect(unifiedOf(truthOf(profile('a', []), profile('b', []), profile('c', [email('  ')])))).toBe(3);
  });
});

test('malformed records and refused requests are counted apart', () => {
  const truth = new Truth();
  const raw = { key: null, value: null, reason: 'empty-value' } as const;
  truth.add({ kind: 'raw', lane: 'raw', raw: { topic: 'interactions', ...raw } });
  truth.add({ kind: 'raw', lane: 'raw', raw: { topic: 'profiles', ...raw } });
  truth.add({ kind: 'refused', lane: 'gateway', refused: { rule: 'no time', cloudEvent: {} } });
  expect(truth.deadLetters()).toEqual(new Map([['empty-value', 2]]));
  expect(truth.outcomes()).toEqual({ ...NO_OUTCOMES, deadLetter: 1 });
  expect(truth.refused()).toBe(1);
});
