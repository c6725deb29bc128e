import { encodeRecord, recordKey, type TallyRecord } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { Recount } from './recount.ts';

const NOW = Date.UTC(2026, 10, 21);
const entity = { tenantId: 'contoso', environmentId: 'prod', entityType: 'lead', entityId: 'l/1' } as const;

function event(eventId: string, change: { occurredAt?: number; journeyId?: string; provider?: string } = {}) {
  const content = { channel: 'email', direction: 'outbound', journeyId: null, provider: null } as const;
  const value = { eventId, ...entity, ...content, occurredAt: NOW, ...change };
  return { schema: 'Interaction', value } satisfies TallyRecord;
}

function taken(eventId: string) {
  return {
    schema: 'InteractionVoided',
    value: { eventId, ...entity, voidedAt: NOW, reason: '' },
  } satisfies TallyRecord;
}

async function outcomes(records: readonly TallyRecord[]): Promise<string[]> {
  const recount = new Recount();
  const [found] = await recount.take('interactions', [{ from: 7, to: 7 + records.length }], async (visit) => {
    for (const [index, record] of records.entries()) {
      const [key, value] = [Buffer.from(recordKey(record)), encodeRecord(record)];
      visit({ partition: 0, offset: BigInt(7 + index), key, value, timestamp: NOW });
    }
  });
  return records.map((_, index) => found?.at(7 + index) ?? 'none');
}

describe('the recount of events', () => {
  it.each<[string, TallyRecord[], string[]]>([
    ['an event and its resend', [event('a'), event('a')], ['counted', 'duplicate']],
    ['two events', [event('a'), event('b')], ['counted', 'counted']],
    ['another time', [event('a'), event('a', { occurredAt: NOW - 1 })], ['counted', 'conflicting']],
    ['a journey', [event('a'), event('a', { journeyId: 'j' })], ['counted', 'conflicting']],
    ['an empty provider', [event('a'), event('a', { provider: '' })], ['counted', 'conflicting']],
    [
      'a provider that was a journey',
      [event('a', { journeyId: 'xy' }), event('a', { journeyId: 'x', provider: 'y' })],
      ['counted', 'conflicting'],
    ],
    [
      'the first content again after another',
      [event('a'), event('a', { journeyId: 'j' }), event('a')],
      ['counted', 'conflicting', 'duplicate'],
    ],
    ['a void and its resend', [event('a'), taken('a'), taken('a')], ['counted', 'void', 'duplicate']],
    ['an event after its void', [event('a'), taken('a'), event('a')], ['counted', 'void', 'duplicate']],
    ['a void that comes first', [taken('a'), event('a'), event('a')], ['void', 'suppressed', 'duplicate']],
    ['a void of another event', [event('a'), taken('b')], ['counted', 'void']],
  ])('tells %s', async (_, records, expected) => {
    expect(await outcomes(records)).toEqual(expected);
  });

  it('tells offsets without a record as control', async () => {
    const recount = new Recount();
    const [found] = await recount.take('profiles', [{ from: 3, to: 5 }], async () => undefined);
    expect([found?.at(3), found?.at(4)]).toEqual(['control', 'control']);
  });
});
