import { describe, expect, it } from 'vitest';
import type { LedgerAnswer } from '../api/answers.ts';
import { type FlowPoint, flowOf, pointOf, withPoint } from './flow.ts';

const point = (at: number, end: number, committed: number): FlowPoint => ({ at, topics: { t: { end, committed } } });

describe('flow', () => {
  it('is what came between two looks, by the minute', () => {
    expect(flowOf([point(0, 100, 90), point(30_000, 160, 130)])).toEqual([
      { topic: 't', arrived: 120, counted: 80, lag: 30 },
    ]);
  });

  it('is not known at the first look, nor of a log that was begun anew', () => {
    expect(flowOf([point(0, 5, 5)])).toEqual([{ topic: 't', arrived: null, counted: null, lag: 0 }]);
    expect(flowOf([point(0, 500, 500), point(60_000, 3, 1)])).toEqual([
      { topic: 't', arrived: null, counted: null, lag: 2 },
    ]);
  });

  it('forgets looks of more than two minutes ago, and the same answer twice', () => {
    const kept = withPoint([point(0, 1, 1), point(60_000, 2, 2)], point(130_000, 3, 3));
    expect(kept.map(({ at }) => at)).toEqual([60_000, 130_000]);
    expect(withPoint(kept, point(130_000, 3, 3))).toBe(kept);
  });

  it('leaves out closed epochs, which grow no more', () => {
    const partition = { topic: 't', partition: 0, start: 0, committed: 7, end: 9, balanced: true };
    const answer = {
      asOf: { computedAt: '1970-01-01T00:00:01.000Z' },
      partitions: [
        { ...partition, closed: false },
        { ...partition, closed: true },
      ],
    } as unknown as LedgerAnswer;
    expect(pointOf(answer)).toEqual({ at: 1_000, topics: { t: { end: 9, committed: 7 } } });
  });
});
