import { TallyError } from '@tally/platform/errors';
import { describe, expect, it } from 'vitest';
import { stackKind } from './stack.ts';

describe('TALLY_TEST_STACK', () => {
  it.each([
    [undefined, 'local'],
    ['local', 'local'],
    ['containers', 'containers'],
  ])('%s is the stack %s', (value, kind) => {
    expect(stackKind({ TALLY_TEST_STACK: value })).toBe(kind);
  });

  it.each(['', 'container', 'docker', 'Local', 'toString'])('%j is refused, and it is said what there is', (value) => {
    const attempt = (): unknown => stackKind({ TALLY_TEST_STACK: value });
    expect(attempt).toThrow(TallyError);
    expect(attempt).toThrow(/TALLY_TEST_STACK: expected local or containers/);
  });
});
