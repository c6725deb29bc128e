import { expect, it } from 'vitest';
import { originOf, originText, parseOrigin, tryOrigin } from './origin.ts';

it.each([
  ['tally.interactions.v1/0/0', { topic: 'tally.interactions.v1', partition: 0, offset: 0n }],
  ['a/65535/1099511627775', { topic: 'a', partition: 65_535, offset: 2n ** 40n - 1n }],
  ['a/1/2@1', { topic: 'a', partition: 1, offset: 2n, epoch: 1 }],
  ['a/1/2@255', { topic: 'a', partition: 1, offset: 2n, epoch: 255 }],
])('reads %s and writes it again', (text, origin) => {
  expect(parseOrigin(text)).toEqual(origin);
  expect(originText(origin)).toBe(text);
});

it('takes leading zeros for the same place', () => {
  expect(originText(parseOrigin('t/00/007@02'))).toBe('t/0/7@2');
});

const none = [
  '',
  't',
  't/1',
  't/1/',
  '/1/2',
  't/-1/2',
  't/1/2/3',
  't/1/x',
  't/1/2\n',
  't/1/2@',
  't/1/2@0',
  't/1/2@256',
];

it.each([undefined, ...none])('refuses %j', (text) => {
  expect(tryOrigin(text)).toBeUndefined();
  expect(() => parseOrigin(text ?? '')).toThrow(expect.objectContaining({ code: 'ORIGIN_INVALID' }));
});

it.each([
  [{ epoch: '3' }, 't/1/2@3'],
  [{}, 't/1/2'],
  [{ epoch: '0' }, 't/1/2'],
  [{ epoch: 'x/9' }, 't/1/2'],
])('names a dead letter whose headers hold %j as %s', (more, text) => {
  const origin = originOf({ topic: 't', partition: '1', offset: '2', ...more });
  expect(origin && originText(origin)).toBe(text);
});
