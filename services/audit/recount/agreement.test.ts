/**
 * The recount's own reader and rules beside the pipeline's: two implementations of one contract, so what they disagree on
 * is a fault in one of them.
 */
import { decodeEvent, decodeProfile } from '@tally/consumer';
import { partitionOf } from '@tally/platform/kafka';
import { AnnouncedSchemas, encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { type AddedField, laterVersionOf } from '@tally/schemas/test-later-version';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionFor } from './placement.ts';
import { Recount } from './recount.ts';

const PARTITIONS = 3;
const NOW = Date.UTC(2026, 10, 21);

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
  fc.string({ unit: 'binary', maxLength: 140 }),
  fc.constantFrom('', 'a\u0085b', 'tab\t', '\u00a0', 'x'.repeat(128), 'ż'.repeat(64), `${'ż'.repeat(64)}x`),
);
const scope = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('contoso', 'prod', 'A.b:c-d_9', 'x'.repeat(64)) },
  fc.constantFrom('', 'two words', 'x'.repeat(65), 'a/b', 'ż'),
);
const moment = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: Date.UTC(2015, 0, 1), max: NOW }) },
  fc.constantFrom(0, Date.UTC(2015, 0, 1) - 1, Date.UTC(2015, 0, 1), NOW + 86_400_000, NOW + 86_400_001),
);
const entity = {
  eventId: text,
  tenantId: scope,
  environmentId: scope,
  entityType: fc.constantFrom('contact' as const, 'lead' as const, 'other' as const),
  entityId: text,
};
const anyRecord: fc.Arbitrary<TallyRecord> = fc.oneof(
  fc.record({
    schema: fc.constant('Interaction' as const),
    value: fc.record({
      ...entity,
      channel: fc.constantFrom('email' as const, 'custom' as const),
      direction: fc.constantFrom('outbound' as const, 'inbound' as const),
      occurredAt: moment,
      journeyId: fc.option(text),
      provider: fc.option(text),
    }),
  }),
  fc.record({
    schema: fc.constant('InteractionVoided' as const),
    value: fc.record({ ...entity, voidedAt: moment, reason: text }),
  }),
  fc.record({
    schema: fc.constant('ProfileRecord' as const),
    value: fc.record({
      tenantId: scope,
      environmentId: scope,
      source: text,
      recordId: text,
      operation: fc.constantFrom('upsert' as const, 'delete' as const),
      identifiers: fc.array(fc.record({ kind: text, value: text }), { maxLength: 4 }),
      changedAt: moment,
    }),
  }),
);

function addedValue(type: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'): fc.Arbitrary<unknown> {
  switch (type) {
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.integer();
    case 'long':
      return moment;
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    case 'string':
      return text;
    default:
      return fc.double({ noNaN: true });
  }
}

const ADDED_TYPES = ['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

const addedField: fc.Arbitrary<AddedField> = fc.oneof(
  ...ADDED_TYPES.map((type) => fc.record({ type: fc.constant(type), value: fc.option(addedValue(type)) })),
  // What no writer should write, or only one with more digits than a number has here.
  fc.record({ type: fc.constantFrom(...ADDED_TYPES), bytes: fc.uint8Array({ maxLength: 12 }) }),
);

/** A record as it stands in the log: whole, or with some of its bytes changed, cut off, put in or doubled. */
const stored = fc.record({
  record: anyRecord,
  /** Fields that a later version of the schema has; none: it is of the version that is known. */
  added: fc.oneof({ weight: 7, arbitrary: fc.constant([]) }, fc.array(addedField, { minLength: 1, maxLength: 3 })),
  topic: fc.constantFrom('own', 'own', 'own', 'own', 'other'),
  key: fc.constantFrom('own', 'own', 'own', 'own', 'other', 'none'),
  partition: fc.constantFrom('own', 'own', 'own', 'own', 'other'),
  changes: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.array(
      fc.record({
        how: fc.constantFrom('set', 'cut', 'insert', 'flip'),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xc2, 0xff)),
      }),
      { maxLength: 3 },
    ),
  ),
});

type Stored = typeof stored extends fc.Arbitrary<infer Value> ? Value : never;

function spoilt(bytes: Buffer, changes: Stored['changes']): Buffer {
  let changed = Buffer.from(bytes);
  for (const { how, at, byte } of changes) {
    const index = Math.min(changed.length - 1, Math.floor(at * changed.length));
    if (index < 0) return changed;
    if (how === 'set') changed[index] = byte;
    else if (how === 'flip') changed[index] = (changed[index] ?? 0) ^ (1 << (byte % 8));
    else if (how === 'cut') changed = changed.subarray(0, index);
    else changed = Buffer.concat([changed.subarray(0, index), Buffer.from([byte]), changed.subarray(index)]);
  }
  return changed;
}

async function compare({ record, added, topic, key, partition, changes }: Stored): Promise<{ valid: boolean }> {
  const own = Buffer.from(recordKey(record));
  const place = partitionOf(own, PARTITIONS);
  const at = partition === 'own' ? place : (place + 1) % PARTITIONS;
  const later = added.length > 0 ? laterVersionOf(record.schema, added) : undefined;
  const isProfile = record.schema === 'ProfileRecord';
  const kind = isProfile === (topic === 'own') ? 'profiles' : 'interactions';
  const message = {
    offset: 0,
    key: key === 'none' ? null : key === 'own' ? own : Buffer.from('somebody/else'),
    value: spoilt(later ? later.encode(record) : encodeRecord(record), changes),
    timestamp: NOW,
  };
  const newer = new AnnouncedSchemas();
  const recount = new Recount();
  if (later) {
    expect(newer.add(later.key, later.schema)).toBeUndefined();
    recount.learn({ key: later.key, value: later.schema });
  }
  const where = { kind, epoch: 1, partition: at, partitions: PARTITIONS, newer } as const;
  const decoded = kind === 'profiles' ? decodeProfile(message, where) : decodeEvent(message, where, 0n);
  const ranges = Array.from({ length: PARTITIONS }, () => ({ from: 0, to: 1 }));
  const outcomes = await recount.take(kind, ranges, async (visit) => visit({ ...message, offset: 0n, partition: at }));
  const expected = !decoded.ok ? 'dead-letter' : record.schema === 'InteractionVoided' ? 'void' : 'counted';
  expect(outcomes[at]?.at(0)).toBe(expected);
  return { valid: decoded.ok };
}

describe('the recount and the pipeline', () => {
  it('agree on which of 20,000 records are valid, whole or spoilt', { timeout: 120_000 }, async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(stored, async (one) => {
        if ((await compare(one)).valid) valid++;
      }),
      { numRuns: 20_000 },
    );
    // Both kinds must be there in number, or the agreement says nothing.
    expect(valid).toBeGreaterThan(1_000);
    expect(valid).toBeLessThan(19_000);
  });

  it('agree on the partition of any key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 1_024 }), (bytes, partitions) => {
        expect(partitionFor(Buffer.from(bytes), partitions)).toBe(partitionOf(Buffer.from(bytes), partitions));
      }),
      { numRuns: 5_000 },
    );
  });
});
