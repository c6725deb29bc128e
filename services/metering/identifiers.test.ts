import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normaliseIdentifier } from './identifiers.ts';

test.each([
  ['email', 'lamar@contoso.com', 'lamar@contoso.com'],
  ['email', ' Lamar@Contoso.COM\t', 'lamar@contoso.com'],
  ['email', '\u00a0ÉVA@x.io', 'éva@x.io'],
  ['email', 'la mar@x.io', 'la mar@x.io'],
  ['email', '   ', ''],
  ['phone', '+48 600 100 200', '+48600100200'],
  ['phone', '0048 600-100-200', '+48600100200'],
  ['phone', '(00)48.600/100 200', '+48600100200'],
  ['phone', '600100200', '600100200'],
  ['phone', '0600100200', '0600100200'],
  ['phone', '48 00 12', '480012'],
  ['phone', '000123', '+0123'],
  ['phone', 'unknown', ''],
  ['phone', '', ''],
  ['loyalty', ' AbC 1 ', 'AbC 1'],
  ['loyalty', '0048', '0048'],
  ['Email', ' Lamar@x.io', 'Lamar@x.io'],
  ['', ' x ', 'x'],
])('%s %j is %j in normal form', (kind, value, normal) => {
  expect(normaliseIdentifier(kind, value)).toBe(normal);
});

test('spaces around an identifier, and the case of an e-mail address, make no difference', () => {
  const spaces = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\u00a0'), maxLength: 3 });
  const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom('email', 'phone', 'loyalty'), ascii, spaces, spaces, (kind, value, before, after) => {
      const normal = normaliseIdentifier(kind, value);
      expect(normaliseIdentifier(kind, before + value + after)).toBe(normal);
      if (kind === 'email') expect(normaliseIdentifier(kind, value.toUpperCase())).toBe(normal);
    }),
  );
});
