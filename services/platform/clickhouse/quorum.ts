/**
 * Inserts into replicated tables. Reading in sequence takes inserts of a table that come one after another, so one that
 * meets another is refused before it has written anything; it waits here for its turn, since people and services that
 * write a row now and then would otherwise be told that something is away.
 */
import { TallyError } from '../errors.ts';
import { retryForever } from '../retry.ts';

const MET_ANOTHER = 'CLICKHOUSE_UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE';
const WAIT_MS_FIRST = 20;
const WAIT_MS_MAX = 500;
/** Then the error is the caller's: the insert before may be waiting for a replica that is away. */
const TURN_MS_MAX = 15_000;

/** Runs an insert until it met no other, for a bounded time. Throws the insert's error. */
export function inTurn<Answer>(insert: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + TURN_MS_MAX;
  return retryForever(insert, {
    waitMsFirst: WAIT_MS_FIRST,
    waitMsMax: WAIT_MS_MAX,
    isRetriable: (error) => error instanceof TallyError && error.code === MET_ANOTHER && performance.now() < deadline,
  });
}
