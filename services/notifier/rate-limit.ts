/**
 * At most so many attempts in any 60 seconds.
 */

const RATE_WINDOW_MS = 60_000;

export class RateLimit {
  /** When the attempts of the latest window began, oldest first. */
  readonly #starts: number[] = [];

  /** For how long no attempt may begin, milliseconds; 0: one may. */
  waitMs(now: number, perMinute: number): number {
    while (this.#starts.length > 0 && now - (this.#starts[0] ?? now) >= RATE_WINDOW_MS) this.#starts.shift();
    const first = this.#starts[this.#starts.length - perMinute];
    return first === undefined ? 0 : first + RATE_WINDOW_MS - now;
  }

  /** One begins. */
  take(now: number): void {
    this.#starts.push(now);
  }
}
