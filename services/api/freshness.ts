/**
 * How fresh an answer is. The committed offsets are read before the figures, at most once a second; while Kafka is away
 * the last ones known still hold, since offsets only grow.
 */
import { type AsOf, committedPositions, type Positions } from '@tally/figures';
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';

const KEPT_MS = 1_000;

export class Freshness {
  readonly #ask: () => Promise<Positions>;
  readonly #log: Logger;
  readonly #clock: () => number;
  #positions: Positions = {};
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(options: { admin: KafkaAdmin; groupId: string; topics: Topics; log: Logger; clock: () => number }) {
    const { admin, groupId, topics, log, clock } = options;
    this.#ask = () => committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
    this.#log = log;
    this.#clock = clock;
  }

  /** To be asked before the figures are read. */
  async now(): Promise<AsOf> {
    const now = this.#clock();
    if (now - this.#readAt >= KEPT_MS) {
      this.#readAt = now;
      try {
        this.#positions = await this.#ask();
      } catch (err) {
        this.#log.warn({ err }, 'committed offsets not to be had, the last ones are told');
      }
    }
    return { computedAt: new Date(now).toISOString(), positions: this.#positions };
  }
}
