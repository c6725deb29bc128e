/**
 * How many dead letters there are, by reason and by what was done about them, and the newest ones, for whoever asks every
 * few seconds. What was read is kept as counts, and only what came since is read: a million letters are read once.
 */
import { readTopic, type StoredRecord } from '@tally/platform/kafka';
import { type DeadLetterContext, type Letter, letterOf } from './letters.ts';
import type { State } from './list.ts';
import { type Origin, tryOrigin } from './origin.ts';

/** Newest letters that are kept whole. */
export const NEWEST_MAX = 500;
/** Letters whose places are known, some 40 bytes each; further ones are counted as open, however often they come. */
const PLACES_MAX = 2_000_000;
/** Whoever may write to the topic may make up reasons; further ones are counted together. */
const REASONS_MAX = 200;
const REASON_CHARS_MAX = 200;
const OTHER_REASONS = 'other-reasons';

export type ReasonCount = Record<State, number> & {
  reason: string;
  /** Milliseconds UTC. */
  newestAt: number;
};

export interface DeadLetterCounts {
  total: number;
  open: number;
  /** The reason with the most open ones first. */
  byReason: ReasonCount[];
  /** Newest first, at most NEWEST_MAX. */
  newest: (Letter & { state: State })[];
}

interface Reason {
  reason: string;
  letters: number;
  newestAt: number;
}

interface ActedRow {
  origin: string;
  discarded: number;
}

const ACTED = `
  SELECT origin, max(action = 'discarded') AS discarded
  FROM dead_letter_actions
  GROUP BY origin`;

export class RunningDeadLetters {
  readonly #context: DeadLetterContext;
  /** The first offset that was not read, by partition. */
  readonly #next = new Map<number, bigint>();
  readonly #reasons: Reason[] = [];
  readonly #places = new Places();
  #newest: Letter[] = [];
  #reading: Promise<void> | undefined;

  constructor(context: DeadLetterContext) {
    this.#context = context;
  }

  /** As of now. Throws `KAFKA_UNAVAILABLE` and ClickHouse's errors; what was read before that is kept. */
  async counts(): Promise<DeadLetterCounts> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.#counted(await this.#context.clickhouse.query<ActedRow>(ACTED));
  }

  async #readOn(): Promise<void> {
    const { admin, topics } = this.#context;
    const extents = await admin.extents(topics.deadLetters);
    // It ends before what was read: it is another topic of the same name.
    if (extents.some(({ partition, end }) => end < (this.#next.get(partition) ?? 0n))) this.#forget();
    await readTopic(this.#context, topics.deadLetters, (record) => this.#take(record), new Map(this.#next));
    this.#keepNewest();
  }

  #take(record: StoredRecord): void {
    // The same fetch may come again after a rebalance.
    if (record.offset < (this.#next.get(record.partition) ?? 0n)) return;
    this.#next.set(record.partition, record.offset + 1n);
    const letter = letterOf(record, this.#context.topics.deadLetters);
    const index = this.#reasonOf(letter.reason);
    const reason = this.#reasons[index];
    // A crash may put the same one there again; see origin.ts.
    if (!reason || !this.#places.add(letter, index)) return;
    reason.letters++;
    reason.newestAt = Math.max(reason.newestAt, letter.at);
    this.#newest.push(letter);
    if (this.#newest.length >= 4 * NEWEST_MAX) this.#keepNewest();
  }

  #reasonOf(text: string): number {
    const short = text.slice(0, REASON_CHARS_MAX);
    const reason = this.#reasons.length < REASONS_MAX || this.#indexOf(short) >= 0 ? short : OTHER_REASONS;
    const known = this.#indexOf(reason);
    return known >= 0 ? known : this.#reasons.push({ reason, letters: 0, newestAt: 0 }) - 1;
  }

  #indexOf(text: string): number {
    return this.#reasons.findIndex(({ reason }) => reason === text);
  }

  /** Of one moment, those that were read last first. */
  #keepNewest(): void {
    this.#newest.reverse().sort((a, b) => b.at - a.at);
    this.#newest = this.#newest.slice(0, NEWEST_MAX).reverse();
  }

  #forget(): void {
    this.#next.clear();
    this.#reasons.length = 0;
    this.#places.clear();
    this.#newest = [];
  }

  #counted(acted: readonly ActedRow[]): DeadLetterCounts {
    const done = this.#reasons.map(() => ({ retried: 0, discarded: 0 }));
    const states = new Map<string, State>();
    for (const { origin, discarded } of acted) {
      const place = tryOrigin(origin);
      const own = place && done[this.#places.reasonOf(place) ?? -1];
      if (!own) continue;
      const state = discarded ? 'discarded' : 'retried';
      own[state]++;
      states.set(origin, state);
    }
    const byReason = this.#reasons.map(({ reason, letters, newestAt }, index): ReasonCount => {
      const { retried, discarded } = done[index] ?? { retried: 0, discarded: 0 };
      return { reason, open: letters - retried - discarded, retried, discarded, newestAt };
    });
    return {
      total: this.#reasons.reduce((sum, { letters }) => sum + letters, 0),
      open: byReason.reduce((sum, { open }) => sum + open, 0),
      byReason: byReason.sort((a, b) => b.open - a.open || (a.reason < b.reason ? -1 : 1)),
      newest: this.#newest.toReversed().map((letter) => ({ ...letter, state: states.get(letter.origin) ?? 'open' })),
    };
  }
}

/** Which places were seen, and the number of the reason of each. */
class Places {
  /** By topic, partition and epoch; then by offset, a number where one holds it, which takes less memory than text. */
  readonly #logs = new Map<string, Map<number | string, number>>();
  #size = 0;

  /** False for one that is known. */
  add(place: Origin, reason: number): boolean {
    const name = `${place.topic}/${place.partition}@${place.epoch ?? ''}`;
    const offsets = this.#logs.get(name) ?? new Map<number | string, number>();
    const offset = keyOf(place.offset);
    if (offsets.has(offset)) return false;
    if (this.#size >= PLACES_MAX) return true;
    this.#logs.set(name, offsets.set(offset, reason));
    this.#size++;
    return true;
  }

  reasonOf({ topic, partition, epoch, offset }: Origin): number | undefined {
    return this.#logs.get(`${topic}/${partition}@${epoch ?? ''}`)?.get(keyOf(offset));
  }

  clear(): void {
    this.#logs.clear();
    this.#size = 0;
  }
}

function keyOf(offset: bigint): number | string {
  return offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : String(offset);
}
