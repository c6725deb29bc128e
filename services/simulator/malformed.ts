/**
 * Records that no client would send, each with one fault and so with one reason that it must be given.
 */
import { type DeadLetterReason, encodeRecord, type Interaction, recordKey, type TallyRecord } from '@tally/schemas';
import type { Random } from './random.ts';
import type { RawSend } from './sends.ts';

/** `C3 01` and the 8 bytes of the fingerprint. */
const HEADER_BYTES = 10;
const LONG_ID = 'x'.repeat(10_000);
const RANDOM_BYTES_MAX = 300;

type Make = (sound: TallyRecord, random: Random) => { key?: Buffer | null; value: Buffer | null } | TallyRecord;

/** Faults that any record may have. */
const ANY: readonly (readonly [DeadLetterReason, Make])[] = [
  ['unknown-framing', (_, random) => ({ value: noise(random, 0x20) })],
  ['malformed-datum', (sound, random) => ({ value: truncated(sound, random) })],
  ['unknown-schema', (sound) => ({ value: changed(encodeRecord(sound), 5) })],
  ['empty-value', () => ({ value: Buffer.alloc(0) })],
  ['missing-key', (sound) => ({ key: null, value: encodeRecord(sound) })],
  ['key-mismatch', (sound) => ({ key: Buffer.from(`${recordKey(sound)}-other`), value: encodeRecord(sound) })],
  ['empty-value', () => ({ value: null })],
  ['malformed-datum', (sound) => ({ value: Buffer.concat([encodeRecord(sound), Buffer.from([7])]) })],
  ['malformed-datum', (sound) => ({ value: encodeRecord(sound).subarray(0, HEADER_BYTES - 3) })],
  ['registry-framing', (sound) => ({ value: registryFramed(sound) })],
  ['invalid-id', (sound) => withFields(sound, { tenantId: 'two words' })],
  ['invalid-id', (sound) => withFields(sound, { tenantId: 't'.repeat(65) })],
  ['invalid-id', (sound) => withFields(sound, { environmentId: '' })],
];

const ON_INTERACTIONS: readonly (readonly [DeadLetterReason, Make])[] = [
  ['invalid-id', (sound) => withFields(sound, { eventId: LONG_ID })],
  ['occurred-too-early', (sound) => withFields(sound, { occurredAt: 0 })],
  ['occurred-too-late', (sound) => withFields(sound, { occurredAt: Date.UTC(2100, 0, 1) })],
  ...ANY,
  ['invalid-id', (sound) => withFields(sound, { entityId: LONG_ID })],
  ['invalid-id', (sound) => withFields(sound, { eventId: '' })],
  ['invalid-id', (sound) => withFields(sound, { eventId: `${'ż'.repeat(64)}x` })],
  ['invalid-id', (sound) => withFields(sound, { entityId: 'line\nbreak' })],
  ['invalid-id', (sound) => withFields(sound, { journeyId: '' })],
  ['occurred-too-early', (sound) => withFields(sound, { occurredAt: Date.UTC(2015, 0, 1) - 1 })],
  ['invalid-utf8', (sound) => ({ value: withByteOutsideUtf8(withFields(sound, { provider: 'ab~cd' })) })],
  ['wrong-topic', (sound) => profileFor(sound)],
  ['invalid-id', (sound) => voidWithLongId(sound)],
];

const ON_PROFILES: readonly (readonly [DeadLetterReason, Make])[] = [
  ['invalid-id', (sound) => withFields(sound, { recordId: '' })],
  ...ANY,
  ['invalid-id', (sound) => withFields(sound, { source: 's'.repeat(129) })],
  ['wrong-topic', (sound) => interactionFor(sound)],
];

/**
 * A malformed record for the interactions topic; its faults take turns, so that few records show them all.
 * @param turn the number of malformed records before this one
 * @param sound a valid interaction to spoil; it is not sent otherwise
 */
export function malformedOnInteractions(turn: number, sound: Interaction, random: Random): RawSend {
  return spoil('interactions', ON_INTERACTIONS, turn, { schema: 'Interaction', value: sound }, random);
}

/** The same for the profiles topic; `sound` is a valid profile record. */
export function malformedOnProfiles(turn: number, sound: TallyRecord, random: Random): RawSend {
  return spoil('profiles', ON_PROFILES, turn, sound, random);
}

/** How many different faults there are on each topic. */
export const MALFORMED_KINDS = { interactions: ON_INTERACTIONS.length, profiles: ON_PROFILES.length } as const;

function spoil(
  topic: 'interactions' | 'profiles',
  faults: typeof ANY,
  turn: number,
  sound: TallyRecord,
  random: Random,
): RawSend {
  const fault = faults[turn % faults.length];
  if (!fault) throw new RangeError('there are no faults');
  const [reason, make] = fault;
  const made = make(sound, random);
  // A whole record has the key that its content asks for, so that its key is not a second fault.
  const bytes = 'schema' in made ? { key: Buffer.from(recordKey(made)), value: encodeRecord(made) } : made;
  const key = bytes.key === undefined ? Buffer.from(recordKey(sound)) : bytes.key;
  return { kind: 'raw', lane: 'raw', raw: { topic, key, value: bytes.value, reason } };
}

function withFields(record: TallyRecord, fields: Record<string, string | number>): TallyRecord {
  return { schema: record.schema, value: { ...record.value, ...fields } } as TallyRecord;
}

/** Bytes whose first is neither Avro's marker nor a registry's. */
function noise(random: Random, first: number): Buffer {
  const bytes = Buffer.alloc(1 + random.int(RANDOM_BYTES_MAX));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.int(256);
  bytes[0] = first + random.int(64);
  return bytes;
}

function truncated(sound: TallyRecord, random: Random): Buffer {
  const whole = encodeRecord(sound);
  return whole.subarray(0, HEADER_BYTES + random.int(whole.length - HEADER_BYTES));
}

function changed(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return bytes;
}

function registryFramed(sound: TallyRecord): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), encodeRecord(sound).subarray(HEADER_BYTES)]);
}

/** Replaces the one `~` by a byte that UTF-8 never has. */
function withByteOutsideUtf8(record: TallyRecord): Buffer {
  const bytes = encodeRecord(record);
  bytes[bytes.lastIndexOf('~')] = 0xff;
  return bytes;
}

function voidWithLongId({ value: { tenantId, environmentId } }: TallyRecord): TallyRecord {
  const entity = { tenantId, environmentId, entityType: 'lead', entityId: 'lead-1' } as const;
  return { schema: 'InteractionVoided', value: { eventId: LONG_ID, ...entity, voidedAt: 0, reason: 'never sent' } };
}

function profileFor({ value: { tenantId, environmentId } }: TallyRecord): TallyRecord {
  const record = { source: 'crm', recordId: 'astray', operation: 'upsert', identifiers: [], changedAt: 0 } as const;
  return { schema: 'ProfileRecord', value: { tenantId, environmentId, ...record, identifiers: [] } };
}

function interactionFor({ value: { tenantId, environmentId } }: TallyRecord): TallyRecord {
  const entity = { tenantId, environmentId, entityType: 'contact', entityId: 'astray' } as const;
  const message = { channel: 'email', direction: 'outbound', journeyId: null, provider: null } as const;
  const occurredAt = Date.UTC(2020, 0, 1);
  return { schema: 'Interaction', value: { eventId: 'astray', ...entity, ...message, occurredAt } };
}
