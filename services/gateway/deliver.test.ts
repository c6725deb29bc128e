import { createLog } from '@tally/platform/log';
import { ProducerError, type ProducerErrorCode } from '@tally/producer';
import type { TallyRecord } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { Delivery, type EventSink } from './deliver.ts';
import { judge } from './judge.ts';
import { interaction, NOW } from './test-gateway.ts';

function record(id: string): TallyRecord {
  const { verdict } = judge(interaction(id), '*', NOW);
  if (!verdict.ok) throw new Error(verdict.detail);
  return verdict.record;
}

function deliveryTo(send: EventSink, answerMsMax = 1_000): Delivery {
  return new Delivery({ send, log: createLog('gateway', 'silent'), answerMsMax, eventsInFlightMax: 3 });
}

function failure(code: ProducerErrorCode, retriable: boolean): ProducerError {
  return new ProducerError('told to fail', { code, retriable });
}

describe('Delivery', () => {
  it('hands all records over at once and in order', async () => {
    const calls: string[] = [];
    const acknowledgement = Promise.withResolvers<void>();
    const delivery = deliveryTo((sent) => {
      calls.push('eventId' in sent.value ? sent.value.eventId : '');
      return acknowledgement.promise;
    });
    const delivered = delivery.deliver(['a', 'b', 'c'].map(record));
    expect(calls).toEqual(['a', 'b', 'c']);
    expect(delivery.hasRoom(1)).toBe(false);
    acknowledgement.resolve();
    expect(await delivered).toEqual([{ status: 'accepted' }, { status: 'accepted' }, { status: 'accepted' }]);
    expect(delivery.hasRoom(3)).toBe(true);
  });

  it.each([
    ['RECORD_INVALID', 'refused', 'invalid-record', false],
    ['RECORD_TOO_LARGE', 'refused', 'record-too-large', false],
    ['BUFFER_FULL', 'failed', 'back-pressure', true],
    ['NOT_ACKNOWLEDGED', 'failed', 'kafka-unavailable', true],
    ['PRODUCER_CLOSED', 'failed', 'shutting-down', true],
  ] as const)('says of %s: %s, %s', async (thrown, status, code, retriable) => {
    const delivery = deliveryTo(() => Promise.reject(failure(thrown, retriable)));
    expect(await delivery.deliver([record('a')])).toMatchObject([{ status, code, retriable }]);
    expect(delivery.hasRoom(3)).toBe(true);
  });

  it('says of an error it does not know: failed, without its words', async () => {
    const delivery = deliveryTo(() => Promise.reject(new Error('secret')));
    const [outcome] = await delivery.deliver([record('a')]);
    expect(outcome).toMatchObject({ status: 'failed', code: 'internal', retriable: true });
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });

  it('answers in time without the acknowledgement, and keeps the event’s place until it is settled', async () => {
    const acknowledgement = Promise.withResolvers<void>();
    const delivery = deliveryTo(() => acknowledgement.promise, 20);
    expect(await delivery.deliver([record('a')])).toMatchObject([{ status: 'failed', code: 'kafka-unavailable' }]);
    expect(delivery.failing).toBe(true);
    expect(delivery.hasRoom(3)).toBe(false);
    acknowledgement.resolve();
    await acknowledgement.promise;
    await new Promise(setImmediate);
    expect(delivery.hasRoom(3)).toBe(true);
    expect(delivery.failing).toBe(false);
  });
});
