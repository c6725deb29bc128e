import { FUTURE_MS_MAX, OCCURRED_AT_MIN } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import { interaction, NOW } from './test-gateway.ts';

const entity = { tenantId: 'acme', environmentId: 'prod', entityType: 'contact', entityId: 'c-1' };

function codeOf(event: unknown): string {
  const { verdict } = judge(event, '*', NOW);
  return verdict.ok ? 'ok' : verdict.code;
}

function detailOf(event: unknown): string {
  const { verdict } = judge(event, '*', NOW);
  return verdict.ok ? '' : verdict.detail;
}

describe('judge', () => {
  it('makes an interaction, its direction decided by the channel when left out', () => {
    const { id, verdict } = judge(interaction('e-1', { channel: 'form_submission', journeyId: null }), '*', NOW);
    const occurredAt = Date.UTC(2025, 5, 1, 10);
    const value = { ...entity, eventId: 'e-1', channel: 'form_submission', direction: 'inbound', occurredAt };
    expect({ id, verdict }).toEqual({
      id: 'e-1',
      verdict: { ok: true, record: { schema: 'Interaction', value: { ...value, journeyId: null, provider: null } } },
    });
  });

  it('makes a void and a profile record', () => {
    const voided = {
      ...interaction('e-1'),
      type: 'tally.interaction.voided.v1',
      data: { ...entity, reason: 'bounce' },
    };
    expect(judge(voided, '*', NOW).verdict).toMatchObject({ ok: true, record: { schema: 'InteractionVoided' } });
    const data = { tenantId: 'acme', environmentId: 'prod', source: 'crm', recordId: '7' };
    const profile = { ...interaction('e-1'), type: 'tally.profile.v1', data };
    expect(judge(profile, '*', NOW).verdict).toMatchObject({
      ok: true,
      record: { schema: 'ProfileRecord', value: { operation: 'upsert', identifiers: [] } },
    });
  });

  it('ignores extension attributes and takes a null attribute as unset', () => {
    expect(codeOf(interaction('e', {}, { traceparent: '00-1-2-00', datacontenttype: null, mine: { a: 1 } }))).toBe(
      'ok',
    );
  });

  it.each([
    ['a number', 7, 'not-a-cloudevent', 'JSON object'],
    ['null', null, 'not-a-cloudevent', 'JSON object'],
    ['an array', [], 'not-a-cloudevent', 'JSON object'],
    ['an empty object', {}, 'not-a-cloudevent', 'specversion'],
    ['another version', interaction('e', {}, { specversion: '0.3' }), 'not-a-cloudevent', 'specversion'],
    ['no type', interaction('e', {}, { type: undefined }), 'not-a-cloudevent', 'type'],
    ['another type', interaction('e', {}, { type: 'com.acme.mail' }), 'unknown-type', 'tally.interaction.v1'],
    ['no id', interaction('e', {}, { id: undefined }), 'not-a-cloudevent', 'id: '],
    ['a number as id', interaction('e', {}, { id: 5 }), 'not-a-cloudevent', 'id: '],
    ['an empty source', interaction('e', {}, { source: '' }), 'not-a-cloudevent', 'source: '],
    ['no time', interaction('e', {}, { time: undefined }), 'not-a-cloudevent', 'time: '],
    ['a time without zone', interaction('e', {}, { time: '2025-06-01T10:00:00' }), 'not-a-cloudevent', 'time: '],
    ['30 February', interaction('e', {}, { time: '2025-02-30T10:00:00Z' }), 'not-a-cloudevent', 'time: '],
    ['XML data', interaction('e', {}, { datacontenttype: 'text/xml' }), 'not-a-cloudevent', 'datacontenttype: '],
    ['no data', interaction('e', {}, { data: undefined }), 'invalid-data', 'data: '],
    ['binary data', interaction('e', {}, { data: undefined, data_base64: 'e30=' }), 'invalid-data', 'data: '],
    ['an unknown channel', interaction('e', { channel: 'fax' }), 'invalid-data', 'data.channel: '],
    ['an unknown field', interaction('e', { colour: 'red' }), 'invalid-data', 'colour'],
    ['an empty entity', interaction('e', { entityId: '' }), 'invalid-id', 'entityId'],
    ['a control character', interaction('e\u0000'), 'invalid-id', 'eventId'],
    ['half a character', interaction('e\ud83d'), 'invalid-id', 'eventId'],
    ['a slash in the tenant', interaction('e', { tenantId: 'a/b' }), 'invalid-id', 'tenantId'],
  ])('refuses %s', (_name, event, code, detail) => {
    expect(codeOf(event)).toBe(code);
    expect(detailOf(event)).toContain(detail);
  });

  it.each([
    ['128 bytes', 'x'.repeat(128), 'ok'],
    ['129 bytes', 'x'.repeat(129), 'invalid-id'],
    ['64 characters of 2 bytes', 'é'.repeat(64), 'ok'],
    ['65 characters of 2 bytes', 'é'.repeat(65), 'invalid-id'],
    ['32 characters of 4 bytes', '😀'.repeat(32), 'ok'],
    ['33 characters of 4 bytes', '😀'.repeat(33), 'invalid-id'],
    ['10,000 bytes', 'x'.repeat(10_000), 'invalid-id'],
  ])('an id of %s', (_name, id, code) => {
    expect(codeOf(interaction(id))).toBe(code);
  });

  it.each([
    ['the first moment', OCCURRED_AT_MIN, 'ok'],
    ['a millisecond before', OCCURRED_AT_MIN - 1, 'occurred-too-early'],
    ['1970', 0, 'occurred-too-early'],
    ['24 hours ahead', NOW + FUTURE_MS_MAX, 'ok'],
    ['a millisecond more', NOW + FUTURE_MS_MAX + 1, 'occurred-too-late'],
    ['2100', Date.UTC(2100, 0, 1), 'occurred-too-late'],
  ])('a time of %s', (_name, at, code) => {
    expect(codeOf(interaction('e', {}, { time: new Date(at).toISOString() }))).toBe(code);
  });

  it('reads a time with an offset and more digits than milliseconds', () => {
    const { verdict } = judge(interaction('e', {}, { time: '2025-06-01T00:30:00.1239+02:00' }), '*', NOW);
    expect(verdict).toMatchObject({ record: { value: { occurredAt: Date.UTC(2025, 4, 31, 22, 30, 0, 123) } } });
  });

  it('echoes no id that cannot be one, and no endless detail', () => {
    expect(judge(interaction('x'.repeat(129)), '*', NOW).id).toBeNull();
    const manyFields = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field${n}`, n]));
    expect(detailOf(interaction('e', manyFields)).length).toBeLessThan(250);
  });

  it('refuses a list of a million wrong identifiers within a second', () => {
    const identifiers = Array.from({ length: 1_000_000 }, () => 1);
    const profile = { ...interaction('e'), type: 'tally.profile.v1', data: { identifiers } };
    const began = performance.now();
    expect(codeOf(profile)).toBe('invalid-data');
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('lets a key send for its own tenants alone', () => {
    const grant = new Set(['acme']);
    expect(judge(interaction('e'), grant, NOW).verdict.ok).toBe(true);
    for (const tenantId of ['other', 'ACME', 'acme ', '__proto__', '*']) {
      const { verdict } = judge(interaction('e', { tenantId }), grant, NOW);
      expect(verdict).toMatchObject({ ok: false, code: 'tenant-forbidden' });
    }
  });
});
