import { encodeRecord, type Interaction, recordKey, type TallyRecord } from '@tally/schemas';
import { expect, it } from 'vitest';
import { judge, kindOf } from './judge.ts';

const NOW = Date.UTC(2026, 5, 1);
const value: Interaction = {
  eventId: 'e1',
  tenantId: 'contoso',
  environmentId: 'prod',
  entityType: 'contact',
  entityId: 'c1',
  channel: 'email',
  direction: 'outbound',
  occurredAt: NOW,
  journeyId: null,
  provider: null,
};
const record: TallyRecord = { schema: 'Interaction', value };
const key = Buffer.from(recordKey(record));
const options = { rekey: false, kind: 'interactions', partitions: 8, now: NOW } as const;

it.each([
  ['its own key', key, false, 'ok'],
  ['no key', null, false, 'missing-key'],
  ['an empty key', Buffer.alloc(0), false, 'missing-key'],
  ['another key', Buffer.from('a/b/contact/c'), false, 'key-mismatch'],
  ['no key, given the one its content asks for', null, true, 'ok'],
  ['another key, given the one its content asks for', Buffer.from('a/b/contact/c'), true, 'ok'],
])('says what would become of a sound record with %s', (_, given, rekey, expected) => {
  const verdict = judge({ key: given, value: encodeRecord(record) }, { ...options, rekey });
  expect(verdict.ok ? 'ok' : verdict.fault.reason).toBe(expected);
  expect(verdict.key).toEqual(rekey ? key : given);
});

it('gives no other key to what it cannot read', () => {
  const verdict = judge({ key, value: Buffer.from('x') }, { ...options, rekey: true });
  expect(verdict).toMatchObject({ ok: false, key, fault: { reason: 'unknown-framing' } });
});

it('finds that time has gone by since an event was too far in the future', () => {
  const early = { ...options, now: NOW - 25 * 60 * 60 * 1000 };
  const content = { key, value: encodeRecord(record) };
  expect(judge(content, early)).toMatchObject({ ok: false, fault: { reason: 'occurred-too-late' } });
  expect(judge(content, options)).toMatchObject({ ok: true });
});

it('finds what is on the wrong topic', () => {
  const content = { key, value: encodeRecord(record) };
  expect(judge(content, { ...options, kind: 'profiles' })).toMatchObject({ fault: { reason: 'wrong-topic' } });
});

it.each([
  ['i', 'interactions'],
  ['p', 'profiles'],
  ['d', undefined],
])('knows what topic %s holds', (topic, kind) => {
  expect(kindOf({ topic }, { interactions: 'i', profiles: 'p' })).toBe(kind);
});
