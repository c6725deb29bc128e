import { describe, expect, it } from 'vitest';
import { type RetryOptions, retryForever } from './retry.ts';

const always = { waitMsFirst: 1, waitMsMax: 64, isRetriable: () => true };

/** An attempt that fails so many times, then gives `done`. */
function failing(times: number): () => Promise<string> {
  let left = times;
  return async () => {
    if (left-- > 0) throw new Error(`${left} to go`);
    return 'done';
  };
}

async function waitsOf(times: number, options: RetryOptions): Promise<number[]> {
  const waits: number[] = [];
  const result = await retryForever(failing(times), {
    ...options,
    onFailure: (_error, _attempt, waitMs) => waits.push(waitMs),
  });
  expect(result).toBe('done');
  return waits;
}

describe('retryForever', () => {
  it('gives the first success, without a wait when nothing fails', async () => {
    expect(await waitsOf(0, always)).toEqual([]);
  });

  it('waits between tries for as long as it says', async () => {
    const began = performance.now();
    const waits = await waitsOf(3, { ...always, waitMsFirst: 40 });
    // A timer may be early by the part of a millisecond that it does not see.
    expect(performance.now() - began).toBeGreaterThanOrEqual(waits.reduce((sum, wait) => sum + wait - 1, 0));
  });

  it.each([
    { waitMsFirst: 1, waitMsMax: 64 },
    { waitMsFirst: 7, waitMsMax: 30 },
    { waitMsFirst: 20, waitMsMax: 10 },
  ])('doubles the wait up to the longest, each between a half and the whole of it: %o', async (limits) => {
    const waits = await waitsOf(9, { ...always, ...limits });
    expect(waits).toHaveLength(9);
    for (const [index, wait] of waits.entries()) {
      const full = Math.min(limits.waitMsFirst * 2 ** index, limits.waitMsMax);
      expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2));
      expect(wait).toBeLessThanOrEqual(full);
    }
  });

  it('varies the waits, so that many clients do not come back at once', async () => {
    const waits = await waitsOf(30, { ...always, waitMsFirst: 20, waitMsMax: 20 });
    expect(new Set(waits).size).toBeGreaterThan(3);
  });

  it('keeps the longest wait after more failures than powers of two fit a number', async () => {
    const waits = await waitsOf(1_100, { ...always, waitMsMax: 1 });
    expect(Math.max(...waits)).toBe(1);
  });

  it('tells of each failure, with its number', async () => {
    const told: unknown[] = [];
    await retryForever(failing(2), {
      ...always,
      onFailure: (error, attempt) => told.push([String(error), attempt]),
    });
    expect(told).toEqual([
      ['Error: 1 to go', 1],
      ['Error: 0 to go', 2],
    ]);
  });

  it('throws an error that is not retriable, at once', async () => {
    const fault = new Error('for good');
    let attempts = 0;
    const attempt = async (): Promise<void> => {
      attempts++;
      throw attempts < 3 ? new Error('for now') : fault;
    };
    await expect(retryForever(attempt, { ...always, isRetriable: (error) => error !== fault })).rejects.toBe(fault);
    expect(attempts).toBe(3);
  });

  it('does not begin when it is called off before', async () => {
    const reason = new Error('called off');
    let attempts = 0;
    const attempt = async (): Promise<void> => {
      attempts++;
    };
    await expect(retryForever(attempt, { ...always, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(attempts).toBe(0);
  });

  it('ends a wait when it is called off, with the signal’s own reason', async () => {
    const aborter = new AbortController();
    const reason = new Error('called off');
    const done = retryForever(failing(2), {
      ...always,
      waitMsFirst: 60_000,
      waitMsMax: 60_000,
      signal: aborter.signal,
      onFailure: () => setImmediate(() => aborter.abort(reason)),
    });
    await expect(done).rejects.toBe(reason);
  });

  it('does not try again when it is called off during a try', async () => {
    const aborter = new AbortController();
    let attempts = 0;
    const attempt = async (): Promise<void> => {
      attempts++;
      aborter.abort(new Error('called off'));
      throw new Error('failed');
    };
    await expect(retryForever(attempt, { ...always, signal: aborter.signal })).rejects.toThrow('called off');
    expect(attempts).toBe(1);
  });
});
