/**
 * What came of a run of sending, counted while it goes on.
 */

/** More than these are counted, not kept. */
const SURPRISES_KEPT_MAX = 100;

export class Report {
  /** Records that the client's calls acknowledged. */
  client = 0;
  /** Events that the gateway accepted. */
  gateway = 0;
  /** Events that the gateway refused, as it must or not. */
  refused = 0;
  /** Records sent as they are. */
  raw = 0;
  /** HTTP requests answered. */
  requests = 0;
  /**
   * Repetitions after a failure that leaves open whether the log has the record. Each may have put a duplicate there:
   * no figure moves, but the outcomes may have more duplicates than the truth.
   */
  uncertainRetries = 0;
  /** What should not have happened, the first hundred in words. Empty when all went as it must. */
  readonly surprises: string[] = [];
  /** How many there were in all. */
  surpriseCount = 0;

  /** Takes down what should not have happened. */
  surprise(text: string): void {
    this.surpriseCount++;
    if (this.surprises.length < SURPRISES_KEPT_MAX) this.surprises.push(text);
  }
}
