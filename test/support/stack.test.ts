import { TallyError } from '@tally/platform/errors';
import { describe, expect, it } from 'vitest';
import { stackOf } from './stack.ts';

describe('TALLY_TEST_STACK', () => {
  it.each([
    [undefined, 'local'],
    ['local', 'local'],
    ['containers', 'containers'],
  ])('%s is the stack %s', (value, kind) => {
    expect(stackOf({ TALLY_TEST_STACK: value }).kind).toBe(kind);
  });

  it.each(['', 'container', 'docker', 'Local', 'toString'])('%j is refused, and it is said what there is', (value) => {
    const attempt = (): unknown => stackOf({ TALLY_TEST_STACK: value });
    expect(attempt).toThrow(TallyError);
    expect(attempt).toThrow(/TALLY_TEST_STACK: expected local or containers/);
  });

  it('is of one server in containers, and of as many as asked for in processes', () => {
    expect(stackOf({ TALLY_TEST_SHARDS: '2' }).shards).toBe(2);
    expect(() => stackOf({ TALLY_TEST_SHARDS: '2', TALLY_TEST_STACK: 'containers' })).toThrow('TALLY_TEST_SHARDS');
    expect(() => stackOf({ TALLY_TEST_SHARDS: 'two' })).toThrow('TALLY_TEST_SHARDS');
    expect(stackOf({ TALLY_TEST_SHARDS: '2', TALLY_TEST_REPLICAS: '2' })).toMatchObject({ shards: 2, replicas: 2 });
    expect(() => stackOf({ TALLY_TEST_REPLICAS: '2' })).toThrow('TALLY_TEST_REPLICAS');
  });
});
