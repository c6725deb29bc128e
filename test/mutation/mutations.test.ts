import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';

it.each(MUTATIONS.flatMap(({ name, edits }) => edits.map((edit) => ({ name, ...edit }))))(
  'to $name: the text to break stands in $file once, and would be another',
  ({ file, from, to }) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(text.split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
  },
);
