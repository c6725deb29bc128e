import { describe, expect, it } from 'vitest';
import { faultOf } from './request.ts';

describe('what went wrong with a call', () => {
  it('is said in the words of its problem details', () => {
    const fault = faultOf(409, JSON.stringify({ code: 'silence-over', detail: 'it ended yesterday' }));
    expect([fault.code, fault.message, fault.isAway]).toEqual(['silence-over', 'it ended yesterday', false]);
  });

  it.each(['', '<html>Bad gateway</html>', 'null', '[]', '{"detail":7}'])('has words of its own for %j', (text) => {
    const fault = faultOf(502, text);
    expect([fault.code, fault.message, fault.isAway]).toEqual(['http-502', 'Tally could not answer.', true]);
  });
});
