import { expect, it } from 'vitest';
import { deadLetter } from './dead-letter.ts';

const fault = { reason: 'missing-key', detail: 'the record’s key is empty' } as const;
const origin = { topic: 'tally.interactions.v1', epoch: 2, partition: 3, service: 'consumer' };

it.each([
  ['bytes', Buffer.from('c301ff00', 'hex'), Buffer.from('a/b/contact/c')],
  ['nothing', null, null],
  ['no bytes', Buffer.alloc(0), Buffer.alloc(0)],
])('a dead letter holds what was refused as it was, with the reason and the place: %s', (_, value, key) => {
  const record = { offset: 2 ** 40 - 1, key, value, timestamp: 0 };
  expect(deadLetter(record, fault, origin, 'tally.dead-letters.v1')).toEqual({
    topic: 'tally.dead-letters.v1',
    key,
    value,
    headers: {
      reason: 'missing-key',
      detail: 'the record’s key is empty',
      topic: 'tally.interactions.v1',
      epoch: '2',
      partition: '3',
      offset: '1099511627775',
      service: 'consumer',
    },
  });
});

it('a dead letter carries on what a record says of its lineage and its trace, and nothing else of its headers', () => {
  const headers = {
    'retry-of': Buffer.from('t/0/7'),
    'retry-root': [Buffer.from('forged'), Buffer.from('t/0/1')],
    'retry-attempt': '2',
    reason: Buffer.from('forged'),
    traceparent: Buffer.from('00-1-2-01'),
    tracestate: Buffer.alloc(513, 'x'),
    other: Buffer.from('x'),
  };
  const record = { offset: 9, key: null, value: null, timestamp: 0, headers };
  expect(deadLetter(record, fault, origin, 'tally.dead-letters.v1').headers).toEqual({
    reason: 'missing-key',
    detail: 'the record’s key is empty',
    topic: 'tally.interactions.v1',
    epoch: '2',
    partition: '3',
    offset: '9',
    service: 'consumer',
    'retry-of': Buffer.from('t/0/7'),
    'retry-root': Buffer.from('t/0/1'),
    'retry-attempt': '2',
    traceparent: Buffer.from('00-1-2-01'),
  });
});
