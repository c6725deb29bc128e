/**
 * Rows in flight. They settle in any order; their outcomes are told in the order of the rows, so that "everything up to
 * row N" is known at any time. Bounded in rows and bytes.
 */
export interface InFlightLimits {
  /** Rows handed over and not settled. */
  rowsMax: number;
  /** Bytes of those rows, about; a single row always finds room. */
  bytesMax: number;
}

interface Entry<Outcome> {
  bytes: number;
  outcome: Outcome | undefined;
}

/** Settled entries at the front of the list are dropped when they are this many. */
const DROPPED_AT_ONCE = 4_096;

export class InOrder<Outcome extends object> {
  readonly #limits: InFlightLimits;
  readonly #told: (outcome: Outcome) => void;
  #entries: Entry<Outcome>[] = [];
  #head = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  /** @param told hears every outcome, in the order in which the rows began */
  constructor(limits: InFlightLimits, told: (outcome: Outcome) => void) {
    this.#limits = limits;
    this.#told = told;
  }

  /** Rows begun whose outcome has not been told. */
  get rows(): number {
    return this.#entries.length - this.#head;
  }

  get full(): boolean {
    return this.rows >= this.#limits.rowsMax || (this.rows > 0 && this.#bytes >= this.#limits.bytesMax);
  }

  /** Begins a row; what is returned settles it, once. */
  begin(bytes: number): (outcome: Outcome) => void {
    const entry: Entry<Outcome> = { bytes, outcome: undefined };
    this.#entries.push(entry);
    this.#bytes += bytes;
    return (outcome) => {
      entry.outcome ??= outcome;
      this.#advance();
    };
  }

  /** Resolves when something has been told since, or at `wake`. */
  progressed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets those go on who wait: something else has happened. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #advance(): void {
    const from = this.#head;
    for (let entry = this.#entries[this.#head]; entry?.outcome; entry = this.#entries[this.#head]) {
      this.#head++;
      this.#bytes -= entry.bytes;
      this.#told(entry.outcome);
    }
    if (this.#head === from) return;
    if (this.#head >= DROPPED_AT_ONCE || this.#head === this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    this.wake();
  }
}
