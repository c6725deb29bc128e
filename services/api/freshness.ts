/**
 * How fresh an answer is. The committed offsets are read before the figures, at most once a second; while Kafka is away
 * the last ones known still hold, since offsets only grow.
 */
import { type AsOf, committedPositions, type LogState, logState, type Positions } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';

const KEPT_MS = 1_000;

/** What is surely committed, and so in every table; there may be more. */
export interface CommittedLog {
  /** Epochs of which nothing more comes. */
  closed: number[];
  /** The first offset of a partition of an epoch that is not known to be committed. */
  places: { epoch: number; partition: number; end: number }[];
  /** How often the log was written anew: rows may have come that had been lost. */
  replays: number;
}

interface FreshnessOptions {
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  groupId: string;
  topics: Topics;
  log: Logger;
  clock: () => number;
}

export class Freshness {
  readonly #ask: () => Promise<{ state: LogState; positions: Positions }>;
  readonly #log: Logger;
  readonly #clock: () => number;
  #positions: Positions = {};
  #committed: CommittedLog = { closed: [], places: [], replays: 0 };
  #askedAt = Number.NEGATIVE_INFINITY;
  #readAt: number | undefined;

  constructor({ admin, clickhouse, groupId, topics, log, clock }: FreshnessOptions) {
    this.#ask = async () => {
      // The epochs first: they are opened after the offsets are set, so offsets of an old one are not taken for a new one's.
      const state = await logState(clickhouse);
      const positions = await committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] });
      return { state, positions };
    };
    this.#log = log;
    this.#clock = clock;
  }

  /** To be asked before the figures are read. */
  async now(): Promise<AsOf> {
    const now = this.#clock();
    if (now - this.#askedAt >= KEPT_MS) {
      this.#askedAt = now;
      try {
        const { state, positions } = await this.#ask();
        this.#positions = positions;
        this.#readAt = now;
        this.#committed = committedLog(state, positions);
      } catch (err) {
        this.#log.warn({ err }, 'committed offsets not to be had, the last ones are told');
      }
    }
    return { computedAt: new Date(now).toISOString(), positions: this.#positions };
  }

  /** When the committed offsets were last read, milliseconds since 1970-01-01 UTC; undefined: never. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  /** As it was known when `now` was last asked. */
  committed(): CommittedLog {
    return this.#committed;
  }
}

function committedLog({ epochs, closed, replays }: LogState, positions: Positions): CommittedLog {
  const places = Object.entries(positions).flatMap(([place, end]) => {
    const at = place.lastIndexOf('/');
    const epoch = epochs[place.slice(0, at)];
    return epoch === undefined ? [] : [{ epoch, partition: Number(place.slice(at + 1)), end }];
  });
  return { closed, places, replays };
}
