import { expect, it } from 'vitest';
import { originText, parseOrigin, tryOrigin } from './origin.ts';

it.each([
  ['tally.interactions.v1/0/0', { topic: 'tally.interactions.v1', partition: 0, offset: 0n }],
  ['a/65535/1099511627775', { topic: 'a', partition: 65_535, offset: 2n ** 40n - 1n }],
])('reads %s and writes it again', (text, origin) => {
  expect(parseOrigin(text)).toEqual(origin);
  expect(originText(origin)).toBe(text);
});

it('takes leading zeros for the same place', () => {
  expect(originText(parseOrigin('t/00/007'))).toBe('t/0/7');
});

it.each([undefined, '', 't', 't/1', 't/1/', '/1/2', 't/-1/2', 't/1/2/3', 't/1/x', 't/1/2\n'])('refuses %j', (text) => {
  expect(tryOrigin(text)).toBeUndefined();
  expect(() => parseOrigin(text ?? '')).toThrow(expect.objectContaining({ code: 'ORIGIN_INVALID' }));
});
