/**
 * Says that a dead letter is not to be dealt with any further. It stays in its topic, and who said so, when and why stays
 * on record.
 */
import { TallyError } from '@tally/platform/errors';
import { recordActions } from './actions.ts';
import type { DeadLetterContext } from './letters.ts';
import { named, refuseDiscarded } from './list.ts';

/** Longest reason, in UTF-16 units. */
export const REASON_CHARACTERS_MAX = 1_000;

export interface DiscardOptions {
  because: string;
  by: string;
}

/**
 * Discards all of the named ones or, when one of them cannot be, none. Throws `DISCARD_WITHOUT_REASON`,
 * `DEAD_LETTER_UNKNOWN` or, for one that is discarded already, `DEAD_LETTER_DISCARDED`.
 */
export async function discard(
  context: DeadLetterContext,
  origins: readonly string[],
  { because, by }: DiscardOptions,
): Promise<string[]> {
  const reason = because.trim();
  if (reason === '' || reason.length > REASON_CHARACTERS_MAX) {
    throw new TallyError(`a discard needs a reason, of 1 to ${REASON_CHARACTERS_MAX} characters`, {
      code: 'DISCARD_WITHOUT_REASON',
      retriable: false,
    });
  }
  const letters = await named(context, origins);
  refuseDiscarded(letters);
  const done = { action: 'discarded', at: context.clock(), by, reason, attempt: 0, knownPosition: 0n } as const;
  await recordActions(
    context.clickhouse,
    letters.map(({ origin }) => ({ origin, ...done })),
  );
  return letters.map(({ origin }) => origin);
}
