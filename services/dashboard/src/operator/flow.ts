/**
 * How fast the log grows and is counted, from what the ledger said a moment ago and what it says now.
 */
import type { LedgerAnswer } from '../api/answers.ts';

export interface FlowPoint {
  /** Milliseconds UTC. */
  at: number;
  /** By topic. */
  topics: Readonly<Record<string, { end: number; committed: number }>>;
}

export interface TopicFlow {
  topic: string;
  /** Records a minute that came into the log, and that were counted; null while there is nothing to compare with. */
  arrived: number | null;
  counted: number | null;
  /** Records that wait. */
  lag: number;
}

/** Rates are over the last so many milliseconds. */
const WINDOW_MS = 120_000;
const MINUTE_MS = 60_000;

export function pointOf({ partitions, asOf }: LedgerAnswer): FlowPoint {
  const topics: Record<string, { end: number; committed: number }> = {};
  for (const { topic, end, committed, closed } of partitions) {
    const sum = topics[topic] ?? { end: 0, committed: 0 };
    topics[topic] = { end: sum.end + (closed ? 0 : end), committed: sum.committed + (closed ? 0 : committed) };
  }
  return { at: Date.parse(asOf.computedAt), topics };
}

/** The same points with a new one at the end, and none that is too old to matter. */
export function withPoint(points: readonly FlowPoint[], point: FlowPoint): readonly FlowPoint[] {
  if (points.at(-1)?.at === point.at) return points;
  return [...points.filter(({ at }) => at >= point.at - WINDOW_MS && at < point.at), point];
}

export function flowOf(points: readonly FlowPoint[]): TopicFlow[] {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return [];
  const minutes = (last.at - first.at) / MINUTE_MS;
  return Object.entries(last.topics).map(([topic, { end, committed }]) => {
    const then = first.topics[topic];
    // A log that was begun anew ends before where it ended.
    const rate = (now: number, before: number | undefined): number | null =>
      before === undefined || minutes <= 0 || now < before ? null : (now - before) / minutes;
    return {
      topic,
      arrived: rate(end, then?.end),
      counted: rate(committed, then?.committed),
      lag: Math.max(0, end - committed),
    };
  });
}
