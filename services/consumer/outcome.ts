/**
 * What may have become of a log position, as table `ingest` numbers it.
 */
export const OUTCOME = {
  counted: 1,
  duplicate: 2,
  conflicting: 3,
  void: 4,
  suppressed: 5,
  'dead-letter': 6,
  control: 7,
} as const;

export type RecordedOutcome = keyof typeof OUTCOME;
