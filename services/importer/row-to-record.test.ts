/**
 * What a row becomes, field by field; nothing is made up.
 */
import { describe, expect, it } from 'vitest';
import { canonicalName, checkHeader } from './row-fields.ts';
import { recordOfRow } from './row-to-record.ts';

const NOW = Date.UTC(2026, 5, 1);
const AT = Date.UTC(2026, 2, 1, 10);
const options = { type: 'interaction', ignoreUnknown: false } as const;

const row = {
  eventId: 'e-1',
  tenantId: 'contoso',
  environmentId: 'prod',
  entityType: 'contact',
  entityId: 'c-1',
  channel: 'email',
  occurredAt: '2026-03-01T10:00:00Z',
};
const { channel: _channel, occurredAt: _occurredAt, ...identity } = row;
const voidRow = { ...identity, voidedAt: AT, reason: '' };
const profileRow = { tenantId: 'contoso', environmentId: 'prod', source: 'crm', recordId: 'r-1', changedAt: AT };

describe('an interaction', () => {
  it('is the record of its fields, outbound unless it says otherwise', () => {
    const value = { ...row, direction: 'outbound', occurredAt: AT, journeyId: null, provider: null };
    expect(recordOfRow(row, options, NOW)).toEqual({ ok: true, record: { schema: 'Interaction', value } });
  });

  it('is inbound when a form was submitted', () => {
    expect(recordOfRow({ ...row, channel: 'form_submission' }, options, NOW)).toMatchObject({
      record: { value: { direction: 'inbound' } },
    });
  });

  it('may have its names in snake_case', () => {
    const { eventId, journeyId, ...rest } = { ...row, journeyId: 'j-1' };
    expect(recordOfRow({ ...rest, event_id: eventId, journey_id: journeyId }, options, NOW)).toMatchObject({
      record: { value: { eventId: 'e-1', journeyId: 'j-1' } },
    });
  });

  it.each([
    ['ISO 8601 in UTC', '2026-03-01T10:00:00Z'],
    ['ISO 8601 with an offset', '2026-03-01T11:00:00.000+01:00'],
    ['milliseconds', AT],
    ['milliseconds as text', String(AT)],
    ['64-bit milliseconds', BigInt(AT)],
    ['a date', new Date(AT)],
  ])('may have its time as %s', (_, occurredAt) => {
    expect(recordOfRow({ ...row, occurredAt }, options, NOW)).toMatchObject({ record: { value: { occurredAt: AT } } });
  });

  it.each([
    ['no event id', { eventId: undefined }, 'missing-event-id'],
    ['an empty event id', { eventId: '' }, 'missing-event-id'],
    ['no entity', { entityId: null }, 'missing-field'],
    ['a number for an id', { entityId: 12 }, 'invalid-field'],
    ['an unknown channel', { channel: 'fax' }, 'invalid-field'],
    ['a field no interaction has', { jurneyId: 'j-1' }, 'unknown-field'],
    ['an identifier', { 'identifier.email': 'a@contoso.com' }, 'unknown-field'],
    ['a name in both spellings', { event_id: 'e-2' }, 'invalid-field'],
    ['a local time', { occurredAt: '2026-03-01T10:00:00' }, 'invalid-time'],
    ['a day that is none', { occurredAt: '2026-02-30T10:00:00Z' }, 'invalid-time'],
    ['half a millisecond', { occurredAt: AT + 0.5 }, 'invalid-time'],
    ['seconds for milliseconds', { occurredAt: AT / 1000 }, 'occurred-too-early'],
    ['a time two days ahead', { occurredAt: NOW + 2 * 86_400_000 }, 'occurred-too-late'],
    ['a control character', { eventId: 'e\n1' }, 'invalid-id'],
    ['a tenant with a slash', { tenantId: 'a/b' }, 'invalid-id'],
    ['another type that is none', { type: 'click' }, 'unknown-type'],
    ['the name of an inherited property as its type', { type: 'constructor' }, 'unknown-type'],
  ])('is refused with %s', (_, change, code) => {
    expect(recordOfRow({ ...row, ...change }, options, NOW)).toMatchObject({ ok: false, code });
  });

  it('says nothing of its values when it is refused', () => {
    const refused = recordOfRow({ ...row, entityId: 'lamar@contoso.com\n' }, options, NOW);
    expect(refused).toMatchObject({ ok: false, code: 'invalid-id' });
    expect(JSON.stringify(refused)).not.toContain('lamar');
  });

  it('loses unknown fields when that is asked for', () => {
    const mapped = recordOfRow({ ...row, jurneyId: 'j-1' }, { ...options, ignoreUnknown: true }, NOW);
    expect(mapped).toMatchObject({ ok: true, record: { value: { journeyId: null } } });
  });
});

describe('a row that says what it is', () => {
  it.each([
    ['void', voidRow, 'InteractionVoided'],
    ['profile', profileRow, 'ProfileRecord'],
    ['tally.interaction.voided.v1', voidRow, 'InteractionVoided'],
  ])('is a %s, whatever the file’s type', (type, fields, schema) => {
    expect(recordOfRow({ ...fields, type }, options, NOW)).toMatchObject({ ok: true, record: { schema } });
  });

  it('may be a CloudEvent as the gateway takes it', () => {
    const { eventId, occurredAt, ...data } = row;
    const envelope = { specversion: '1.0', type: 'tally.interaction.v1', source: '/test' };
    const event = { ...envelope, id: eventId, time: occurredAt, data };
    expect(recordOfRow(event, options, NOW)).toEqual(recordOfRow(row, options, NOW));
    expect(recordOfRow({ ...event, id: '' }, options, NOW)).toMatchObject({ code: 'missing-event-id' });
    expect(recordOfRow({ ...event, data: {} }, options, NOW)).toMatchObject({ code: 'not-a-cloudevent' });
  });
});

describe('a profile’s identifiers', () => {
  const email = { kind: 'email', value: 'a@contoso.com' };
  const phone = { kind: 'phone', value: '+49 30 1' };

  it.each([
    ['a list', { identifiers: [email, phone] }],
    ['a list as JSON', { identifiers: JSON.stringify([email, phone]) }],
    ['columns of their own', { 'identifier.email': email.value, 'identifier.phone': phone.value }],
    ['both', { identifiers: [email], 'identifier.phone': phone.value }],
    [
      'columns, some without text',
      { 'identifier.email': email.value, 'identifier.phone': phone.value, 'identifier.x': '' },
    ],
  ])('may be %s', (_, fields) => {
    expect(recordOfRow({ ...profileRow, ...fields }, { ...options, type: 'profile' }, NOW)).toMatchObject({
      record: { schema: 'ProfileRecord', value: { operation: 'upsert', identifiers: [email, phone], changedAt: AT } },
    });
  });

  it.each([
    ['no list', { identifiers: '{}' }],
    ['no JSON', { identifiers: 'a@contoso.com' }],
    ['something else in the list', { identifiers: [{ ...email, note: 'x' }] }],
    ['a number', { 'identifier.email': 7 }],
  ])('are refused with %s', (_, fields) => {
    expect(recordOfRow({ ...profileRow, ...fields }, { ...options, type: 'profile' }, NOW)).toMatchObject({
      ok: false,
      code: 'invalid-field',
    });
  });
});

describe('the columns of a file', () => {
  const interaction = { type: 'interaction', ignoreUnknown: false } as const;

  it.each([
    ['all that are needed', Object.keys(row)],
    ['snake_case', ['event_id', 'tenant_id', 'environment_id', 'entity_type', 'entity_id', 'channel', 'occurred_at']],
    ['a type for each row', ['type', 'tenantId', 'environmentId', 'recordId', 'identifier.email']],
  ])('are taken with %s', (_, columns) => {
    expect(() => checkHeader(columns, interaction)).not.toThrow();
  });

  it.each([
    ['one is missing', Object.keys(row).slice(1), /eventId missing/],
    ['one is unknown', [...Object.keys(row), 'jurneyId'], /"jurneyId" unknown/],
    ['one is there twice', [...Object.keys(row), 'event_id'], /"eventId" there twice/],
    ['there are none', [], /eventId/],
  ])('are refused when %s', (_, columns, message) => {
    expect(() => checkHeader(columns, interaction)).toThrow(message);
    expect(() => checkHeader(columns, interaction)).toThrow(expect.objectContaining({ code: 'HEADER_INVALID' }));
  });

  it('are known by one name in both spellings', () => {
    expect(canonicalName('environment_id')).toBe('environmentId');
    expect(canonicalName('identifier.customer_no')).toBe('identifier.customer_no');
  });
});
