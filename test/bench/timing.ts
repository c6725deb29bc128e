/**
 * How long something takes.
 */

export interface Timing {
  calls: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
}

/** Milliseconds, to a tenth. */
export async function timeMs(call: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await call();
  return Math.round((performance.now() - from) * 10) / 10;
}

/** One call after the other; the first, on a cold cache, is among them. */
export async function timeCalls(calls: number, call: () => Promise<unknown>): Promise<Timing> {
  const times: number[] = [];
  for (let index = 0; index < calls; index++) times.push(await timeMs(call));
  times.sort((a, b) => a - b);
  return { calls, p50Ms: percentile(times, 0.5), p95Ms: percentile(times, 0.95), maxMs: times.at(-1) ?? 0 };
}

/** The smallest of the ascending values that at least such a share does not exceed. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.ceil(ascending.length * share) - 1] ?? 0;
}
