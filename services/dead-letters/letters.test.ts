import { expect, it } from 'vitest';
import { letterOf } from './letters.ts';

const DEAD_LETTERS = 'tally.dead-letters.v1';

function stored(headers: Record<string, string>): Parameters<typeof letterOf>[0] {
  return { partition: 0, offset: 5n, key: Buffer.from('key'), value: null, headers, rawHeaders: {}, timestamp: 1_000 };
}

const origin = { topic: 'tally.interactions.v1', partition: '3', offset: '42' };

it('reads what the consumer said of a record', () => {
  const headers = { ...origin, reason: 'missing-key', detail: 'the record’s key is empty', service: 'consumer' };
  expect(letterOf(stored(headers), DEAD_LETTERS)).toEqual({
    origin: 'tally.interactions.v1/3/42',
    topic: 'tally.interactions.v1',
    partition: 3,
    offset: 42n,
    reason: 'missing-key',
    detail: 'the record’s key is empty',
    service: 'consumer',
    at: 1_000,
    bytes: 3,
    root: 'tally.interactions.v1/3/42',
    attempt: 0,
  });
});

it('knows two records of one place in two epochs of its topic apart', () => {
  const letters = ['1', '2'].map((epoch) => letterOf(stored({ ...origin, epoch }), DEAD_LETTERS));
  expect(letters).toMatchObject([
    { epoch: 1, origin: 'tally.interactions.v1/3/42@1', root: 'tally.interactions.v1/3/42@1' },
    { epoch: 2, origin: 'tally.interactions.v1/3/42@2' },
  ]);
});

it('reads the lineage of a retried record', () => {
  const lineage = { 'retry-of': 't/0/7', 'retry-root': 't/0/1', 'retry-attempt': '2' };
  expect(letterOf(stored({ ...origin, ...lineage }), DEAD_LETTERS)).toMatchObject({
    retryOf: 't/0/7',
    root: 't/0/1',
    attempt: 2,
  });
});

it.each([
  ['no origin', {}],
  ['half of one', { topic: 't', partition: '0' }],
  ['numbers that are none', { topic: 't', partition: '-1', offset: 'x' }],
])('knows a record with %s by its own place', (_, headers) => {
  expect(letterOf(stored(headers), DEAD_LETTERS).origin).toBe('tally.dead-letters.v1/0/5');
});

it.each([
  ['words instead of a place', { 'retry-of': 'somewhere' }, { attempt: 0, root: 'tally.interactions.v1/3/42' }],
  ['a negative attempt', { 'retry-of': 't/0/7', 'retry-attempt': '-3' }, { attempt: 1, root: 't/0/7' }],
  ['an endless attempt', { 'retry-of': 't/0/7', 'retry-attempt': '99999' }, { attempt: 65_535 }],
  ['a root that is none', { 'retry-of': 't/0/7', 'retry-root': '../..' }, { root: 't/0/7' }],
])('makes the best of a lineage with %s', (_, lineage, expected) => {
  expect(letterOf(stored({ ...origin, ...lineage }), DEAD_LETTERS)).toMatchObject(expected);
});
