/**
 * Whatever cannot count ends in the dead letters with its reason, byte for byte; the rest of the batch counts.
 */
import { randomBytes } from 'node:crypto';
import { partitionOf } from '@tally/platform/kafka';
import { type DeadLetterReason, encodeRecord, entityKey, type Interaction, VERSIONS } from '@tally/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interaction as interactionOf } from '../support/interaction.ts';
import { freshTenant, TestSystem } from '../support/system.ts';

const PARTITIONS = 4;
const tenantId = freshTenant('malformed');

const interaction = (change: Partial<Interaction> = {}): Interaction => interactionOf({ tenantId, ...change });

const valid = interaction();
const key = Buffer.from(entityKey(valid));
const bytesOf = (value: Interaction): Buffer => encodeRecord({ schema: 'Interaction', value });
const keyed = (value: Interaction): { key: Buffer; value: Buffer } => ({
  key: Buffer.from(entityKey(value)),
  value: bytesOf(value),
});

interface Malformed {
  what: string;
  key: Buffer | null;
  value: Buffer | null;
  reason: DeadLetterReason;
  partition?: number;
}

const malformed: Malformed[] = [
  {
    what: 'random bytes',
    key,
    value: Buffer.concat([Buffer.from([0x7f]), randomBytes(200)]),
    reason: 'unknown-framing',
  },
  { what: 'a truncated datum', key, value: bytesOf(valid).subarray(0, -3), reason: 'malformed-datum' },
  {
    what: 'bytes after the datum',
    key,
    value: Buffer.concat([bytesOf(valid), Buffer.from([0])]),
    reason: 'malformed-datum',
  },
  {
    what: 'an unknown fingerprint',
    key,
    value: Buffer.concat([Buffer.from('c3010102030405060708', 'hex'), bytesOf(valid).subarray(10)]),
    reason: 'unknown-schema',
  },
  { what: 'an empty value', key, value: Buffer.alloc(0), reason: 'empty-value' },
  { what: 'a null value', key, value: null, reason: 'empty-value' },
  { what: 'a null key', key: null, value: bytesOf(valid), reason: 'missing-key' },
  {
    what: 'another entity’s key',
    key: Buffer.from('other/prod/contact/c1'),
    value: bytesOf(valid),
    reason: 'key-mismatch',
  },
  {
    what: 'the wrong partition',
    key,
    value: bytesOf(valid),
    partition: (partitionOf(key, PARTITIONS) + 1) % PARTITIONS,
    reason: 'wrong-partition',
  },
  { what: 'an id of 10,000 bytes', ...keyed(interaction({ eventId: 'x'.repeat(10_000) })), reason: 'invalid-id' },
  { what: 'a control character in an id', ...keyed(interaction({ entityId: 'c\n1' })), reason: 'invalid-id' },
  { what: 'a date in 1970', ...keyed(interaction({ occurredAt: 0 })), reason: 'occurred-too-early' },
  { what: 'a date in 2100', ...keyed(interaction({ occurredAt: Date.UTC(2100, 0, 1) })), reason: 'occurred-too-late' },
  {
    what: 'a profile record on the interactions topic',
    key: Buffer.from(`${tenantId}/prod/crm/1`),
    value: encodeRecord({
      schema: 'ProfileRecord',
      value: {
        tenantId,
        environmentId: 'prod',
        source: 'crm',
        recordId: '1',
        operation: 'upsert',
        identifiers: [],
        changedAt: 0,
      },
    }),
    reason: 'wrong-topic',
  },
  {
    what: 'an identifier array that announces a billion items',
    key,
    value: absurdProfile(),
    reason: 'malformed-datum',
  },
];

/** Twenty bytes that would make a trusting decoder allocate a billion identifiers. */
function absurdProfile(): Buffer {
  const version = VERSIONS.find(({ name }) => name === 'ProfileRecord');
  const head = Buffer.from(`c301${version?.fingerprint}`, 'hex');
  const fourStrings = Buffer.from('02610261026102610002'.slice(0, 16), 'hex');
  return Buffer.concat([head, fourStrings, Buffer.from([0]), Buffer.from('80a8d6b907', 'hex'), Buffer.from([0])]);
}

describe('records that cannot count', () => {
  let system: TestSystem;
  let letters: Awaited<ReturnType<TestSystem['deadLetters']>>;

  beforeAll(async () => {
    system = await TestSystem.create('dead_letters', { partitions: PARTITIONS });
    const topic = system.topics.interactions;
    const good = Array.from({ length: malformed.length }, (_, index) => interaction({ eventId: `good-${index}` }));
    // One request, good and bad in turns, so that they are in the same batches.
    await system.sender.send(
      malformed.flatMap(({ key, value, partition }, index) => [
        { topic, ...keyed(good[index] ?? valid) },
        { topic, key, value, ...(partition === undefined ? {} : { partition }) },
      ]),
    );
    await system.consumer();
    await system.caughtUp();
    letters = await system.deadLetters();
  });

  afterAll(() => system.close());

  it.each(malformed)('puts $what there because of $reason, byte for byte', ({ key, value, reason }) => {
    const matching = letters.filter(
      (letter) => same(letter.key, key) && same(letter.value, value) && letter.headers['reason'] === reason,
    );
    expect(matching).toHaveLength(1);
    expect(matching[0]?.headers).toMatchObject({
      topic: system.topics.interactions,
      epoch: '1',
      partition: expect.stringMatching(/^\d+$/),
      offset: expect.stringMatching(/^\d+$/),
      service: 'consumer',
      detail: expect.stringMatching(/\S/),
    });
  });

  it('puts nothing else there', () => {
    expect(letters).toHaveLength(malformed.length);
  });

  it('counts the rest of the batch, and gives every position one outcome', async () => {
    expect(await system.outcomes()).toEqual({ counted: malformed.length, 'dead-letter': malformed.length });
    const ask = await system.api();
    const { body } = await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`);
    expect(body).toMatchObject({ months: [{ total: malformed.length }] });
  });
});

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
