import { describe, expect, it } from 'vitest';
import { messageOf, TallyError } from './errors.ts';

describe('TallyError', () => {
  it('carries its code, whether to retry, and its cause', () => {
    const cause = new Error('below');
    const error = new TallyError('above', { code: 'KAFKA_UNAVAILABLE', retriable: true, cause });
    expect(error).toMatchObject({ name: 'TallyError', message: 'above', code: 'KAFKA_UNAVAILABLE', retriable: true });
    expect(error.cause).toBe(cause);
  });

  it('has no cause when it is given none', () => {
    expect('cause' in new TallyError('alone', { code: 'BUG', retriable: false })).toBe(false);
  });

  it('bears the name of the class that was made', () => {
    class GatewayError extends TallyError {}
    expect(new GatewayError('x', { code: 'BUG', retriable: false }).name).toBe('GatewayError');
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('words'), 'words'],
    ['text', 'text'],
    [7, '7'],
    [undefined, 'undefined'],
    [new AggregateError([new Error('one'), 'two']), 'one; two'],
    [new AggregateError([new AggregateError([new Error('deep')])]), 'deep'],
    [new AggregateError([new Error('one')], 'all of them'), 'all of them'],
  ])('%j says %s', (error, words) => {
    expect(messageOf(error)).toBe(words);
  });
});
