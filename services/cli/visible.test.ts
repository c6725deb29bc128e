import { expect, it } from 'vitest';
import { visible } from './visible.ts';

it.each([
  ['plain text, ż and 漢 and 🎈', 'plain text, ż and 漢 and 🎈'],
  ['\u001b[2Jgone', '\\u{1b}[2Jgone'],
  ['line\nbreak', 'line\\u{a}break'],
  ['\u009b31m', '\\u{9b}31m'],
  ['\u202eright to left', '\\u{202e}right to left'],
  ['\ud800', '\\u{d800}'],
  ['\u2028', '\\u{2028}'],
])('shows %j as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});
