/**
 * When the filters in front of the index were whole, and how fast events came before and after, seen from outside.
 */
import { type Arena, type Contestant, rowsThere } from './ingest-measure.ts';

export interface FilterState {
  /** Fingerprints in the filters of all processes; filters still being built count only once they are whole. */
  keys: number;
  bytes: number;
  /** Keys that the index was asked about, so far. */
  asked: number;
}

export interface FilterFigures {
  /** In the index before the start. */
  indexKeys: number;
  /** In the filters at the end. */
  keys: number;
  bytes: number;
  /** Keys that the index was asked about; all others the filters knew to be new. */
  asked: number;
  /** From the process's start until all filters were whole, seen to a second; null when that was not before the end. */
  wholeAfterSeconds: number | null;
  /** From the first rows until then, and from then on; null where there was no such stretch. */
  eventsPerSecondBefore: number | null;
  eventsPerSecondAfter: number | null;
}

const LOOK_EVERY_MS = 1_000;
/** Of the index's keys: some share their fingerprint. */
const WHOLE_SHARE = 0.95;

export class FilterWatch {
  readonly #arena: Arena;
  readonly #contestant: Contestant;
  readonly #indexKeys: number;
  #lookedAt = 0;
  #first: { at: number; rows: number } | undefined;
  #whole: { at: number; rows: number } | undefined;
  #last: FilterState = { keys: 0, bytes: 0, asked: 0 };

  constructor(arena: Arena, contestant: Contestant, indexKeys: number) {
    this.#arena = arena;
    this.#contestant = contestant;
    this.#indexKeys = indexKeys;
  }

  /** To be called often; looks once a second. */
  async look(): Promise<void> {
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) await this.lookAgain();
  }

  async lookAgain(): Promise<void> {
    this.#lookedAt = performance.now();
    const state = await this.#contestant.filters?.();
    if (state) this.#last = state;
    if (this.#whole) return;
    const rows = await rowsThere(this.#arena);
    const look = { at: performance.now(), rows };
    if (rows > 0) this.#first ??= look;
    if (state && state.keys > 0 && state.keys >= this.#indexKeys * WHOLE_SHARE) this.#whole = look;
  }

  figures({ begunAt, endAt, rows }: { begunAt: number; endAt: number; rows: number }): FilterFigures {
    const { events } = this.#arena.filled;
    const rate = (from: { at: number; rows: number } | undefined, to: { at: number; rows: number } | undefined) =>
      from && to && to.at - from.at >= LOOK_EVERY_MS
        ? Math.round((((to.rows - from.rows) / rows) * events * 1_000) / (to.at - from.at))
        : null;
    const end = { at: endAt, rows };
    const whole = this.#whole && this.#whole.at < endAt ? this.#whole : undefined;
    return {
      indexKeys: this.#indexKeys,
      ...this.#last,
      wholeAfterSeconds: whole ? Math.round((whole.at - begunAt) / 100) / 10 : null,
      eventsPerSecondBefore: rate(this.#first, whole ?? end),
      eventsPerSecondAfter: rate(whole, end),
    };
  }
}
