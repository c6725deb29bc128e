/**
 * What became of each offset of a range: one byte an offset.
 */
export const OUTCOMES = [
  'counted',
  'duplicate',
  'conflicting',
  'void',
  'suppressed',
  'dead-letter',
  'control',
] as const;

export type RecountedOutcome = (typeof OUTCOMES)[number];

export class OffsetOutcomes {
  /** The first offset, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly #outcomes: Uint8Array;

  /** Offsets that hold no record are control records, or belong to a transaction that was aborted. */
  constructor(from: number, to: number) {
    this.from = from;
    this.to = Math.max(from, to);
    this.#outcomes = new Uint8Array(this.to - this.from).fill(OUTCOMES.indexOf('control'));
  }

  set(offset: number, outcome: RecountedOutcome): void {
    this.#outcomes[offset - this.from] = OUTCOMES.indexOf(outcome);
  }

  at(offset: number): RecountedOutcome {
    return OUTCOMES[this.#outcomes[offset - this.from] ?? -1] ?? 'control';
  }
}
