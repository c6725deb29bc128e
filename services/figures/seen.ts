/**
 * What runs before have seen: from where on the next one has to look. Pure.
 */
import { REPLAY_JOB, type Run } from './runs.ts';
import type { Epochs, Positions, Unseen } from './tenants.ts';

/** An offset that no record has: everything of the epoch has been seen. */
const BEYOND_ALL_OFFSETS = 2 ** 40;

/** What the last run has seen, and with it every one that ended while or after it ran. */
export interface Seen {
  epochs: Epochs;
  /** The smallest of all of them. */
  positions: Positions;
  /** Tenants to be worked out again. */
  failed: Set<string>;
  /** When the last one began, milliseconds since 1970-01-01 UTC. */
  startedAt: number;
}

/**
 * @param runs of `lastRuns`. Undefined where there is none, where the log was written anew since, or where the last does
 * not say which epoch its positions belong to: then everything is to be worked out.
 */
export function seenBy(runs: readonly Run[]): Seen | undefined {
  const [last] = runs;
  if (runs.some(({ job }) => job === REPLAY_JOB)) return undefined;
  if (!last || last.outcome === 'failed' || runs.some(({ epochs }) => Object.keys(epochs).length === 0)) {
    return undefined;
  }
  const seen: Seen = {
    epochs: {},
    positions: {},
    failed: new Set(runs.flatMap(({ failed }) => failed)),
    startedAt: Math.min(...runs.map(({ startedAt }) => startedAt)),
  };
  for (const topic of Object.keys(last.epochs)) {
    const epoch = Math.min(...runs.map(({ epochs }) => epochs[topic] ?? 0));
    seen.epochs[topic] = epoch;
    const those = runs.filter(({ epochs }) => (epochs[topic] ?? 0) === epoch);
    for (const name of Object.keys(last.positions)) {
      if (!name.startsWith(`${topic}/`)) continue;
      seen.positions[name] = Math.min(...those.map(({ positions }) => positions[name] ?? 0));
    }
  }
  return seen;
}

/** A partition of an epoch, and the topic that the epoch is of. */
export interface LogPlace {
  topic: string;
  epoch: number;
  partition: number;
}

/**
 * Where what is new begins, in every one of these places. A position has been seen when
 * it was committed at a run's start: what is committed was written before, in every table.
 */
export function unseenSince(logPlaces: readonly LogPlace[], seen: Seen): Unseen[] {
  const places = new Map<string, Unseen>();
  for (const { topic, epoch, partition } of logPlaces) {
    const seenEpoch = seen.epochs[topic] ?? 0;
    const committed = seen.positions[`${topic}/${partition}`] ?? 0;
    const offset = epoch < seenEpoch ? BEYOND_ALL_OFFSETS : epoch === seenEpoch ? committed : 0;
    places.set(placeName(epoch, partition), { epoch, partition, offset });
  }
  return [...places.values()];
}

export function placeName(epoch: number, partition: number): string {
  return `${epoch}/${partition}`;
}
