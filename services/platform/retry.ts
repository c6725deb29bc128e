/**
 * Waiting longer after each failure, with jitter, until it works or is called off.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Wait after the first failure, milliseconds; doubled after each further one. */
  waitMsFirst: number;
  /** Longest wait, milliseconds. */
  waitMsMax: number;
  /** False ends the retries: the error is thrown. */
  isRetriable: (error: unknown) => boolean;
  /** Told of each failure before the wait. */
  onFailure?: (error: unknown, attempt: number, waitMs: number) => void;
  signal?: AbortSignal;
}

/** Runs `attempt` until it succeeds. Throws its error when not retriable, or the signal's reason when aborted. */
export async function retryForever<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  for (let failures = 1; ; failures++) {
    options.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!options.isRetriable(error)) throw error;
      const full = Math.min(options.waitMsFirst * 2 ** (failures - 1), options.waitMsMax);
      const waitMs = Math.round(full * (0.5 + Math.random() / 2));
      options.onFailure?.(error, failures, waitMs);
      await pause(waitMs, options.signal);
    }
  }
}

/** The timer rejects with an AbortError of its own; callers know the signal's reason. */
async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
