/**
 * Records for tests: any that the schemas can hold, and datums put together by hand, apart from the encoder.
 */
import fc from 'fast-check';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES, PROFILE_OPERATIONS, type TallyRecord } from './records.ts';

export const FINGERPRINTS = {
  Interaction: 'fb214faf0a2040bd',
  InteractionVoided: '591094c1d20acb8c',
  ProfileRecord: 'ade60e5a96bba616',
} as const;

/** Text of any code points, U+FFFD and U+0000 among them; no lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 200 });
const time = fc.integer({ min: -(2 ** 52), max: Number.MAX_SAFE_INTEGER - 1 });
const entity = {
  eventId: text,
  tenantId: text,
  environmentId: text,
  entityType: fc.constantFrom(...ENTITY_TYPES),
  entityId: text,
};

/** Any record that the schemas can hold, valid or not. */
export const anyRecord: fc.Arbitrary<TallyRecord> = fc.oneof(
  fc.record({
    schema: fc.constant('Interaction' as const),
    value: fc.record({
      ...entity,
      channel: fc.constantFrom(...CHANNELS),
      direction: fc.constantFrom(...DIRECTIONS),
      occurredAt: time,
      journeyId: fc.option(text),
      provider: fc.option(text),
    }),
  }),
  fc.record({
    schema: fc.constant('InteractionVoided' as const),
    value: fc.record({ ...entity, voidedAt: time, reason: text }),
  }),
  fc.record({
    schema: fc.constant('ProfileRecord' as const),
    value: fc.record({
      tenantId: text,
      environmentId: text,
      source: text,
      recordId: text,
      operation: fc.constantFrom(...PROFILE_OPERATIONS),
      identifiers: fc.array(fc.record({ kind: text, value: text }), { maxLength: 8 }),
      changedAt: time,
    }),
  }),
);

/** A whole number as Avro writes it: zigzag, then seven bits a byte. */
export function avroLong(value: number | bigint): Buffer {
  const bytes: number[] = [];
  const wide = BigInt(value);
  let left = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

/** Text, or bytes that claim to be text, as Avro writes it. */
export function avroString(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([avroLong(bytes.length), bytes]);
}

/** The single-object encoding of a datum's parts. */
export function message(schema: keyof typeof FINGERPRINTS, ...datum: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`c301${FINGERPRINTS[schema]}`, 'hex'), ...datum]);
}
