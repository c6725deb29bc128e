/**
 * Which dead letters there are, and what has been done about each.
 */
import { TallyError } from '@tally/platform/errors';
import { type Action, readActions } from './actions.ts';
import { type DeadLetterContext, type Letter, readLetters } from './letters.ts';
import { placeText } from './origin.ts';

export const STATES = ['open', 'retried', 'discarded'] as const;

/** Follows from the actions alone: what a record's headers claim may be anybody's. */
export type State = (typeof STATES)[number];

export interface ListedLetter extends Letter {
  state: State;
  /** Oldest first. */
  actions: Action[];
}

export interface ListFilter {
  reason?: string | undefined;
  topic?: string | undefined;
  /** Default all. */
  state?: State | 'all' | undefined;
  /** Put there at this time or later, milliseconds UTC. */
  since?: number | undefined;
}

/** Every dead letter by its origin, oldest first. */
export async function readAll({ clickhouse, ...context }: DeadLetterContext): Promise<Map<string, ListedLetter>> {
  const letters = await readLetters({ clickhouse, ...context });
  const actions = await readActions(clickhouse);
  return new Map(
    [...letters].map(([origin, letter]) => {
      const done = actions.get(origin) ?? [];
      return [origin, { ...letter, state: stateOf(done), actions: done }];
    }),
  );
}

/** The dead letters that a filter lets through, newest first. */
export async function list(context: DeadLetterContext, filter: ListFilter = {}): Promise<ListedLetter[]> {
  const { reason, topic, state = 'all', since = Number.NEGATIVE_INFINITY } = filter;
  return [...(await readAll(context)).values()]
    .filter((letter) => reason === undefined || letter.reason === reason)
    .filter((letter) => topic === undefined || letter.topic === topic)
    .filter((letter) => state === 'all' || letter.state === state)
    .filter((letter) => letter.at >= since)
    .reverse();
}

/** The dead letters of these names, once each. Throws what `findNamed` throws. */
export async function named(context: DeadLetterContext, names: readonly string[]): Promise<ListedLetter[]> {
  const letters = await readAll(context);
  return [...new Set(names.map((name) => findNamed(letters, name)))];
}

/**
 * The dead letter of an origin, or the only one of a place for whoever leaves the epoch out. Throws `DEAD_LETTER_UNKNOWN`,
 * or `DEAD_LETTER_AMBIGUOUS` for a place that dead letters of several epochs have.
 */
export function findNamed(letters: ReadonlyMap<string, ListedLetter>, name: string): ListedLetter {
  const exact = letters.get(name);
  if (exact) return exact;
  const found = [...letters.values()].filter((letter) => placeText(letter) === name);
  const [letter = unknown(name), ...others] = found;
  if (others.length === 0) return letter;
  throw new TallyError(`${name} names several dead letters: ${found.map(({ origin }) => origin).join(', ')}`, {
    code: 'DEAD_LETTER_AMBIGUOUS',
    retriable: false,
  });
}

/** Throws `DEAD_LETTER_DISCARDED`, with who did it and why, for one that is dealt with for good. */
export function refuseDiscarded(letters: readonly ListedLetter[]): void {
  for (const { origin, actions } of letters) {
    const discarded = actions.find(({ action }) => action === 'discarded');
    if (!discarded) continue;
    const when = new Date(discarded.at).toISOString();
    throw new TallyError(`${origin} was discarded by ${discarded.by} at ${when}: ${discarded.reason}`, {
      code: 'DEAD_LETTER_DISCARDED',
      retriable: false,
    });
  }
}

function stateOf(actions: readonly Action[]): State {
  if (actions.some(({ action }) => action === 'discarded')) return 'discarded';
  return actions.length > 0 ? 'retried' : 'open';
}

function unknown(origin: string): never {
  throw new TallyError(`no dead letter comes from ${origin}`, { code: 'DEAD_LETTER_UNKNOWN', retriable: false });
}
