import { type DeadLetterReason, encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { decodeEvent, decodeProfile } from './decode.ts';
import { incoming, interaction, NOW, placeOf, profile, voided } from './test-events.ts';

const POSITION = 42n;
const DAY_MS = 24 * 60 * 60 * 1000;
type Incoming = Parameters<typeof incoming>[1];

function eventReason(record: TallyRecord, change: Incoming = {}, place = placeOf(record)): string {
  const decoded = decodeEvent(incoming(record, change), place, POSITION);
  return decoded.ok ? 'none' : decoded.fault.reason;
}

function profileReason(record: TallyRecord, change: Incoming = {}, place = placeOf(record)): string {
  const decoded = decodeProfile(incoming(record, change), place);
  return decoded.ok ? 'none' : decoded.fault.reason;
}

describe('decodeEvent', () => {
  it('gives an interaction with its position and keys', () => {
    const record = interaction();
    const decoded = decodeEvent(incoming(record), placeOf(record), POSITION);
    expect(decoded).toMatchObject({
      ok: true,
      event: { kind: 'interaction', position: POSITION, value: record.value, contentHash: expect.any(BigInt) },
    });
  });

  it('gives a void, under the keys of the interaction it takes back', () => {
    const event = decodeEvent(incoming(interaction()), placeOf(interaction()), POSITION);
    const taking = decodeEvent(incoming(voided()), placeOf(voided()), POSITION);
    if (!event.ok || !taking.ok) return expect.fail('not decoded');
    expect(taking.event.kind).toBe('void');
    expect(taking.event.eventKey.equals(event.event.eventKey)).toBe(true);
    expect(taking.event.entityKey.equals(event.event.entityKey)).toBe(true);
  });

  const key = recordKey(interaction());
  it.each<[string, DeadLetterReason, Incoming]>([
    ['no value', 'empty-value', { value: null }],
    ['an empty value', 'empty-value', { value: Buffer.alloc(0) }],
    ['JSON', 'unknown-framing', { value: Buffer.from('{}') }],
    ['a registry’s frame', 'registry-framing', { value: Buffer.from([0, 0, 0, 0, 1, 2]) }],
    ['an unknown schema', 'unknown-schema', { value: Buffer.from('c3010102030405060708', 'hex') }],
    ['a datum cut short', 'malformed-datum', { value: encodeRecord(interaction()).subarray(0, -1) }],
    ['no key', 'missing-key', { key: null }],
    ['an empty key', 'missing-key', { key: Buffer.alloc(0) }],
    ['the key of another entity', 'key-mismatch', { key: Buffer.from(recordKey(interaction({ entityId: 'c-2' }))) }],
    ['its key and more', 'key-mismatch', { key: Buffer.from(`${key}/`) }],
    ['its key in capitals', 'key-mismatch', { key: Buffer.from(key.toUpperCase()) }],
  ])('refuses %s: %s', (_, reason, change) => {
    expect(eventReason(interaction(), change)).toBe(reason);
  });

  it.each<[string, DeadLetterReason, TallyRecord]>([
    ['an empty id', 'invalid-id', interaction({ eventId: '' })],
    ['an id of 10,000 bytes', 'invalid-id', interaction({ entityId: 'a'.repeat(10_000) })],
    ['a void with an empty id', 'invalid-id', voided({ eventId: '' })],
    ['1970', 'occurred-too-early', interaction({ occurredAt: 0 })],
    ['2100', 'occurred-too-late', interaction({ occurredAt: Date.UTC(2100, 0, 1) })],
    ['a profile record', 'wrong-topic', profile()],
  ])('refuses %s: %s', (_, reason, record) => {
    expect(eventReason(record)).toBe(reason);
  });

  it.each([
    [DAY_MS, 'none'],
    [DAY_MS + 1, 'occurred-too-late'],
  ])('measures "too late" by the broker’s timestamp: %i ms after it gives %s', (ahead, reason) => {
    const timestamp = NOW - 100 * DAY_MS;
    expect(eventReason(interaction({ occurredAt: timestamp + ahead }), { timestamp })).toBe(reason);
  });

  it('refuses a record that is not on the partition of its key', () => {
    for (const entityId of ['c-1', 'c-2', 'c-3', 'c-4', 'c-5', 'c-6', 'c-7', 'c-8']) {
      const record = interaction({ entityId });
      const place = placeOf(record);
      for (let partition = 0; partition < place.partitions; partition++) {
        const expected = partition === place.partition ? 'none' : 'wrong-partition';
        expect(eventReason(record, {}, { ...place, partition })).toBe(expected);
      }
    }
  });

  it('names the first fault when there are several', () => {
    const broken = { value: Buffer.alloc(0), key: null };
    expect(eventReason(interaction(), broken)).toBe('empty-value');
    expect(eventReason(interaction({ eventId: '' }), { key: null })).toBe('invalid-id');
  });
});

describe('decodeProfile', () => {
  it('gives the record', () => {
    const record = profile();
    expect(decodeProfile(incoming(record), placeOf(record))).toEqual({ ok: true, record: record.value });
  });

  it.each<[string, DeadLetterReason, TallyRecord, Incoming]>([
    ['an interaction', 'wrong-topic', interaction(), {}],
    ['a void', 'wrong-topic', voided(), {}],
    ['no value', 'empty-value', profile(), { value: null }],
    ['no key', 'missing-key', profile(), { key: null }],
    ['the key of another record', 'key-mismatch', profile(), { key: Buffer.from('contoso/prod/crm/r-2') }],
    ['an empty record id', 'invalid-id', profile({ recordId: '' }), {}],
    ['half a character', 'invalid-utf8', profile(), { value: withInvalidText() }],
  ])('refuses %s: %s', (_, reason, record, change) => {
    expect(profileReason(record, change)).toBe(reason);
  });

  it('refuses a record that is not on the partition of its key', () => {
    const place = placeOf(profile());
    const partition = (place.partition + 1) % place.partitions;
    expect(profileReason(profile(), {}, { ...place, partition })).toBe('wrong-partition');
  });
});

function withInvalidText(): Buffer {
  const bytes = encodeRecord(profile({ source: 'crX' }));
  bytes[bytes.indexOf('crX') + 2] = 0xff;
  return bytes;
}
