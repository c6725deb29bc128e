/**
 * What could not count and why, over HTTP. The letters are read from their topic, so that is done at most every few seconds,
 * however many ask.
 */
import { type DeadLetterContext, type ListedLetter, list, type State } from '@tally/dead-letters';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked } from './parameters.ts';

const LETTERS_DEFAULT = 20;
const LETTERS_MAX = 500;
const KEPT_MS = 5_000;
const RETRY_AFTER_SECONDS = 5;

const page = z.object({ limit: z.coerce.number().int().min(0).max(LETTERS_MAX).default(LETTERS_DEFAULT) });

interface Read {
  at: number;
  letters: Promise<ListedLetter[]>;
}

/** `GET /v1/dead-letters?limit=`: how many there are by reason and what was done about them, and the newest ones. */
export function addDeadLetterRoute(app: FastifyInstance, context: DeadLetterContext): void {
  let last: Read | undefined;
  const read = (): Read => {
    const now = context.clock();
    if (last && now - last.at < KEPT_MS) return last;
    const begun = { at: now, letters: list(context) };
    begun.letters.catch(() => {
      if (last === begun) last = undefined;
    });
    last = begun;
    return begun;
  };
  app.get('/v1/dead-letters', async ({ query }) => {
    const { limit } = checked(page, query);
    const { at, letters } = read();
    const all = await letters.catch(unavailable);
    return {
      total: all.length,
      open: all.filter(({ state }) => state === 'open').length,
      byReason: byReason(all),
      newest: all.slice(0, limit).map(answered),
      computedAt: new Date(at).toISOString(),
    };
  });
}

type Reason = Record<State, number> & { reason: string; newestAt: string };

/** The reason with the most open ones first. */
function byReason(letters: readonly ListedLetter[]): Reason[] {
  const reasons = [...Map.groupBy(letters, ({ reason }) => reason)].map(([reason, own]): Reason => {
    const count = (wanted: State): number => own.filter(({ state }) => state === wanted).length;
    const newestAt = own.reduce((newest, { at }) => Math.max(newest, at), 0);
    return {
      reason,
      open: count('open'),
      retried: count('retried'),
      discarded: count('discarded'),
      newestAt: new Date(newestAt).toISOString(),
    };
  });
  return reasons.sort((a, b) => b.open - a.open || (a.reason < b.reason ? -1 : 1));
}

function answered({ origin, topic, partition, offset, reason, detail, service, at, state }: ListedLetter): object {
  return {
    origin,
    topic,
    partition,
    offset: Number(offset),
    reason,
    detail,
    service,
    state,
    at: new Date(at).toISOString(),
  };
}

function unavailable(cause: unknown): never {
  if (!(cause instanceof TallyError) || cause.code !== 'KAFKA_UNAVAILABLE') throw cause;
  throw new Problem({
    status: 503,
    code: 'kafka-unavailable',
    title: 'Kafka is not available',
    detail: 'dead letters are read from Kafka, which does not answer; try again',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    cause,
  });
}
