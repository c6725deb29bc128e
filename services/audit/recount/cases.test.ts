/**
 * The worked cases of the rules, through the recount alone.
 */
import { encodeRecord, recordKey } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { type MeterCase, meterCases, recordsOf } from '../../../test/support/cases.ts';
import { dayAt } from './days.ts';
import { recountEngaged, recountMonths } from './meters.ts';
import { type LogRecord, Recount, type TopicKind } from './recount.ts';

const NOW = Date.UTC(2026, 10, 21);

async function recounted(one: MeterCase): Promise<Recount> {
  const recount = new Recount();
  const topics: Record<TopicKind, LogRecord[]> = { interactions: [], profiles: [] };
  for (const record of recordsOf(one, (tenantId) => tenantId)) {
    const topic = topics[record.schema === 'ProfileRecord' ? 'profiles' : 'interactions'];
    const [key, value] = [Buffer.from(recordKey(record)), encodeRecord(record)];
    topic.push({ partition: 0, offset: BigInt(topic.length), key, value, timestamp: Date.now() });
  }
  for (const kind of ['interactions', 'profiles'] as const) {
    await recount.take(kind, [{ from: 0, to: topics[kind].length }], async (visit) => topics[kind].forEach(visit));
  }
  return recount;
}

/** The recount knows the default policy alone. */
const isDefault = (expectation: MeterCase['expect'][number]): boolean =>
  !('policy' in expectation) || expectation.policy === undefined || expectation.policy === 'all';

describe('worked cases, recounted', () => {
  it.each(meterCases())('$name', async (one) => {
    const recount = await recounted(one);
    const { events, scopes } = recount;
    for (const expectation of one.expect.filter(isDefault)) {
      const { tenantId } = expectation;
      switch (expectation.meter) {
        case 'interactions': {
          const month = recountMonths(events, scopes).find(
            (count) => count.tenantId === tenantId && count.month === expectation.month,
          );
          expect(month?.byChannel ?? {}).toEqual(expectation.byChannel);
          break;
        }
        case 'engaged': {
          const engaged = recountEngaged(events, scopes, dayAt(Date.parse(expectation.asOf)));
          expect(engaged.get(tenantId)?.total ?? 0).toBe(expectation.total);
          break;
        }
        case 'unified': {
          const people = recount.people.people(() => ({ kinds: null, limit: 10_000 }));
          const byEnvironment = scopes
            .all()
            .map((scope, number) => ({ ...scope, people: people.get(number)?.people ?? 0 }))
            .filter((scope) => scope.tenantId === tenantId)
            .map(({ environmentId, people }) => [environmentId, people]);
          expect(Object.fromEntries(byEnvironment)).toEqual(expectation.byEnvironment);
        }
      }
    }
  });

  it('does not take a record in that comes again, or one beyond the range', async () => {
    const [one] = meterCases();
    if (!one) return expect.fail('there are no cases');
    const [record] = recordsOf(one, (tenantId) => tenantId);
    if (!record) return expect.fail('the case has no records');
    const stored = { partition: 0, key: Buffer.from(recordKey(record)), value: encodeRecord(record), timestamp: NOW };
    const recount = new Recount();
    const [outcomes] = await recount.take('interactions', [{ from: 0, to: 2 }], async (visit) => {
      for (const offset of [0n, 0n, 1n, 2n]) visit({ ...stored, offset });
    });
    expect([outcomes?.at(0), outcomes?.at(1)]).toEqual(['counted', 'duplicate']);
    expect(recountMonths(recount.events, recount.scopes).map(({ total }) => total)).toEqual([1]);
  });
});
