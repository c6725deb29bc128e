/**
 * When a delivery that failed is tried again: after waits that grow, each a little different from the next target's, until
 * 24 hours have passed since it was decided that it is to be told.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Wait after the first failure, the second, …; the last one repeats. */
export const RETRY_WAITS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  3 * HOUR_MS,
];

/** After this a delivery is undeliverable. */
export const GIVE_UP_AFTER_MS = 24 * HOUR_MS;

/** A wait is this much shorter or longer, at most. */
const JITTER = 0.2;

/** A receiver may ask for this long a wait. */
export const RETRY_AFTER_MS_MAX = HOUR_MS;

export interface Failure {
  /** 1 is the first attempt. */
  attempt: number;
  /** Milliseconds since 1970-01-01 UTC. */
  plannedAt: number;
  now: number;
  /** What the receiver asked for, milliseconds from now; never undercut. */
  retryAfterMs: number;
  /** 0 to 1. */
  random: () => number;
}

/**
 * When to try again, milliseconds since 1970-01-01 UTC; undefined when it is given up. The last try is when the 24 hours
 * are over, or the first one after that where nothing ran at the time.
 */
export function nextAttemptAt({ attempt, plannedAt, now, retryAfterMs, random }: Failure): number | undefined {
  const deadline = plannedAt + GIVE_UP_AFTER_MS;
  if (now >= deadline) return undefined;
  const full = RETRY_WAITS_MS[Math.min(attempt, RETRY_WAITS_MS.length) - 1] ?? 0;
  const waitMs = Math.round(full * (1 + JITTER * (2 * random() - 1)));
  return Math.min(now + Math.max(waitMs, retryAfterMs), deadline);
}

/** A Retry-After header, seconds or a date, as milliseconds from now: 0 for none, at most RETRY_AFTER_MS_MAX. */
export function parseRetryAfter(header: string | undefined, now: number): number {
  const text = header?.trim() ?? '';
  if (text === '') return 0;
  const waitMs = /^\d+$/.test(text) ? Number(text) * SECOND_MS : Date.parse(text) - now;
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}
