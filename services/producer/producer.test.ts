/**
 * What a call refuses before anything is sent: no broker listens at the address given here.
 */
import { createLog } from '@tally/platform/log';
import type { TallyRecord } from '@tally/schemas';
import { afterEach, describe, expect, it } from 'vitest';
import { type InteractionInput, type ProducerOptions, TallyProducer } from './producer.ts';

const NOWHERE = '127.0.0.1:1';
const open: TallyProducer[] = [];

function producerWith(options: Partial<ProducerOptions> = {}): TallyProducer {
  const producer = new TallyProducer({ brokers: [NOWHERE], log: createLog('producer', 'silent'), ...options });
  open.push(producer);
  return producer;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((producer) => producer.close()));
});

const input: InteractionInput = {
  eventId: 'e-1',
  tenantId: 'contoso',
  environmentId: 'prod',
  entityType: 'contact',
  entityId: 'c-1',
  occurredAt: Date.UTC(2026, 0, 15),
};

const DAY_MS = 24 * 60 * 60 * 1000;
const CALLS = ['email', 'sms', 'push', 'voice', 'formSubmission', 'custom'] as const;

describe('a call with a record that breaks a rule', () => {
  it.each(CALLS)('rejects and sends nothing: %s', async (call) => {
    const producer = producerWith();
    const refused = producer[call]({ ...input, eventId: '' });
    expect(producer.pending).toBe(0);
    await expect(refused).rejects.toMatchObject({ name: 'ProducerError', code: 'RECORD_INVALID', retriable: false });
  });

  it.each([
    ['an id of 129 bytes', { entityId: 'a'.repeat(129) }],
    ['a control character', { eventId: 'a\n' }],
    ['half a character', { eventId: '\ud83e' }],
    ['a tenant with a slash', { tenantId: 'a/b' }],
    ['an empty journey', { journeyId: '' }],
    ['a time before 2015', { occurredAt: Date.UTC(2014, 11, 31) }],
    ['a time two days ahead', { occurredAt: new Date(Date.now() + 2 * DAY_MS) }],
    ['a date that is none', { occurredAt: new Date('never') }],
    ['half a millisecond', { occurredAt: Date.UTC(2026, 0, 15) + 0.5 }],
    ['an entity type that is none', { entityType: 'company' as 'contact' }],
    ['a provider that is no text', { provider: 7 as unknown as string }],
  ])('rejects %s', async (_, change) => {
    const producer = producerWith();
    await expect(producer.email({ ...input, ...change })).rejects.toMatchObject({
      code: 'RECORD_INVALID',
      retriable: false,
    });
    expect(producer.pending).toBe(0);
  });

  it('rejects a void and a profile as well', async () => {
    const producer = producerWith();
    const { occurredAt: _, ...identity } = input;
    await expect(producer.void({ ...identity, entityId: '', reason: '' })).rejects.toMatchObject({
      code: 'RECORD_INVALID',
    });
    await expect(
      producer.profile({ tenantId: 'contoso', environmentId: 'prod', source: '', recordId: 'r-1' }),
    ).rejects.toMatchObject({ code: 'RECORD_INVALID' });
  });

  it('says in its message which rule, without the id itself', async () => {
    const refused = producerWith().email({ ...input, entityId: 'lamar@contoso.com\n' });
    await expect(refused).rejects.toThrow(/entityId/);
    await expect(refused).rejects.not.toThrow(/lamar/);
  });
});

describe('the size of a record', () => {
  const voided = (reason: string): TallyRecord => {
    const { occurredAt: _, ...identity } = input;
    return { schema: 'InteractionVoided', value: { ...identity, voidedAt: 0, reason } };
  };

  it('is limited, to 256 KiB unless said otherwise', async () => {
    const producer = producerWith();
    await expect(producer.send(voided('r'.repeat(256 * 1024)))).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      retriable: false,
    });
    expect(producer.pending).toBe(0);
  });

  it('is that of the encoded record, to the byte', async () => {
    // Marker and fingerprint 10, four ids of 4 + 8 + 5 + 4 bytes, type 1, time 1, and the reason's length 1.
    const rest = 10 + 4 + 8 + 5 + 4 + 1 + 1 + 1;
    const producer = producerWith({ recordBytesMax: rest + 50, deliveryTimeoutMs: 1 });
    await expect(producer.send(voided('r'.repeat(51)))).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    const taken = producer.send(voided('r'.repeat(50)));
    expect(producer.pending).toBe(1);
    await expect(taken).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED', retriable: true });
  });

  it('may not be allowed to exceed what the topic takes', () => {
    expect(() => producerWith({ recordBytesMax: 1_000_001 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', retriable: false }),
    );
    producerWith({ recordBytesMax: 1_000_000 });
  });
});

describe('a valid record', () => {
  it('is refused as worth trying again when no broker answers in time', async () => {
    const producer = producerWith({ deliveryTimeoutMs: 1 });
    await expect(producer.email(input)).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED', retriable: true });
    expect(producer.pending).toBe(0);
  });

  it('is refused once the producer is closed', async () => {
    const producer = producerWith();
    await producer.close();
    await expect(producer.email(input)).rejects.toMatchObject({ code: 'PRODUCER_CLOSED', retriable: false });
  });
});
