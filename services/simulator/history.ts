/**
 * Interactions sent earlier, for duplicates and voids to refer to: the latest ones and a sample of all, both bounded.
 */
import type { Interaction } from '@tally/schemas';
import type { Random } from './random.ts';

const RECENT_MAX = 1_000;
const SAMPLE_MAX = 20_000;

export class History {
  readonly #recent: Interaction[] = [];
  readonly #sample: Interaction[] = [];
  #seen = 0;

  /** Takes an interaction in; the sample keeps each with the same probability (reservoir sampling). */
  add(interaction: Interaction, random: Random): void {
    this.#recent[this.#seen % RECENT_MAX] = interaction;
    this.#seen++;
    const place = this.#seen <= SAMPLE_MAX ? this.#seen - 1 : random.int(this.#seen);
    if (place < SAMPLE_MAX) this.#sample[place] = interaction;
  }

  get empty(): boolean {
    return this.#seen === 0;
  }

  /** One of the last thousand: a sender's quick retry. Throws RangeError when empty. */
  recent(random: Random): Interaction {
    return random.pick(this.#recent);
  }

  /** One of all there were: a retry after days or months. Throws RangeError when empty. */
  any(random: Random): Interaction {
    return random.pick(this.#sample);
  }
}
