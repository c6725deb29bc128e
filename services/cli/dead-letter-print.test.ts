import { expect, it } from 'vitest';
import { hexDump } from './dead-letter-print.ts';

it('dumps bytes with their offsets and what of them is ASCII', () => {
  expect(hexDump(Buffer.from('c301 1b5b324a 414243 7e7f 00'.replaceAll(' ', ''), 'hex'))).toBe(
    '0000  c3 01 1b 5b 32 4a 41 42 43 7e 7f 00              ...[2JABC~..\n',
  );
  expect(hexDump(Buffer.alloc(17, 'x')).split('\n')[1]).toMatch(/^0010 {2}78 +x$/);
});

it.each([
  [0, 0, ''],
  [256, 16, ''],
  [257, 16, '… 1 more bytes\n'],
])('dumps of %i bytes %i lines and says how much is left', (bytes, lines, rest) => {
  const dump = hexDump(Buffer.alloc(bytes));
  expect(dump.match(/^[0-9a-f]{4} {2}/gm) ?? []).toHaveLength(lines);
  expect(dump.endsWith(rest)).toBe(true);
  expect(dump.includes('more bytes')).toBe(rest !== '');
});
