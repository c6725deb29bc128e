export { type Action, readActions } from './actions.ts';
export { type DiscardOptions, discard, REASON_CHARACTERS_MAX } from './discard.ts';
export type { DeadLetterContext, Letter, LetterContent } from './letters.ts';
export { type Known, type Shown, show } from './lineage.ts';
export { type ListedLetter, type ListFilter, list, named, STATES, type State } from './list.ts';
export { ORIGIN_FORM, originText, parseOrigin } from './origin.ts';
export { type RetryOptions, type RetryResult, retry } from './retry.ts';
export { type DeadLetterCounts, NEWEST_MAX, type ReasonCount, RunningDeadLetters } from './running-list.ts';
