import { describe, expect, it } from 'vitest';
import type { Run } from './runs.ts';
import { seenBy } from './seen.ts';

const EVENTS = 'events';

function run(change: Partial<Run>): Run {
  return {
    runId: 'r',
    job: 'aggregate',
    cause: 'schedule',
    dueAt: 0,
    process: 'host:1',
    startedAt: 5,
    finishedAt: 6,
    day: '2026-01-15',
    scope: 'changed',
    outcome: 'succeeded',
    tenants: 0,
    failed: [],
    error: '',
    published: 0,
    waiting: 0,
    positions: { [`${EVENTS}/0`]: 10, [`${EVENTS}/1`]: 20 },
    epochs: { [EVENTS]: 1 },
    ...change,
  };
}

describe('seenBy', () => {
  it('knows nothing before the first run', () => {
    expect(seenBy([])).toBeUndefined();
  });

  it('is what the last run saw', () => {
    expect(seenBy([run({ failed: ['a'] })])).toEqual({
      epochs: { [EVENTS]: 1 },
      positions: { [`${EVENTS}/0`]: 10, [`${EVENTS}/1`]: 20 },
      failed: new Set(['a']),
      startedAt: 5,
    });
  });

  it('goes back to what a slower run saw that ended later: it may have published older figures', () => {
    const slower = run({ startedAt: 1, finishedAt: 9, positions: { [`${EVENTS}/0`]: 4 }, failed: ['b'] });
    expect(seenBy([run({ failed: ['a'] }), slower])).toMatchObject({
      positions: { [`${EVENTS}/0`]: 4, [`${EVENTS}/1`]: 0 },
      failed: new Set(['a', 'b']),
      startedAt: 1,
    });
  });

  it('takes positions of the older epoch where runs saw two', () => {
    const older = run({ positions: { [`${EVENTS}/0`]: 900 } });
    const newer = run({ positions: { [`${EVENTS}/0`]: 3 }, epochs: { [EVENTS]: 2 } });
    expect(seenBy([newer, older])).toMatchObject({ epochs: { [EVENTS]: 1 }, positions: { [`${EVENTS}/0`]: 900 } });
  });

  it('is nothing once the log was written anew, whatever came of it, until a run has begun after it', () => {
    expect(seenBy([run({}), run({ job: 'replay' })])).toBeUndefined();
    expect(seenBy([run({}), run({ job: 'replay', outcome: 'failed', epochs: {} })])).toBeUndefined();
  });

  it('knows nothing where a run does not say which epoch it saw, or all failed', () => {
    expect(seenBy([run({ epochs: {} })])).toBeUndefined();
    expect(seenBy([run({ outcome: 'failed' })])).toBeUndefined();
  });
});
