/**
 * What could not count and why, over HTTP. What was read of the topic is kept, and what came since is read at most every
 * few seconds, however many ask.
 */
import { type DeadLetterContext, type DeadLetterCounts, NEWEST_MAX, RunningDeadLetters } from '@tally/dead-letters';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked } from './parameters.ts';

const LETTERS_DEFAULT = 20;
const KEPT_MS = 5_000;
const RETRY_AFTER_SECONDS = 5;
/** A long topic takes longer, once; it is read on meanwhile. */
const ANSWER_MS_MAX = 10_000;

export const deadLettersAsked = z.object({
  limit: z.coerce.number().int().min(0).max(NEWEST_MAX).default(LETTERS_DEFAULT),
});

interface Read {
  at: number;
  counts: Promise<DeadLetterCounts>;
}

/** `GET /v1/dead-letters?limit=`: how many there are by reason and what was done about them, and the newest ones. */
export function addDeadLetterRoute(app: FastifyInstance, context: DeadLetterContext): void {
  const running = new RunningDeadLetters(context);
  let last: (Read & { over: boolean }) | undefined;
  const read = (): Read => {
    const now = context.clock();
    if (last && (!last.over || now - last.at < KEPT_MS)) return last;
    const begun = { at: now, counts: running.counts(), over: false };
    begun.counts.then(
      () => {
        begun.over = true;
      },
      () => {
        if (last === begun) last = undefined;
      },
    );
    last = begun;
    return begun;
  };
  app.get('/v1/dead-letters', async ({ query }) => {
    const { limit } = checked(deadLettersAsked, query);
    const { at, counts } = read();
    const { total, open, byReason, newest } = await inTime(counts.catch(unavailable));
    return {
      total,
      open,
      byReason: byReason.map(({ newestAt, ...rest }) => ({ ...rest, newestAt: new Date(newestAt).toISOString() })),
      newest: newest.slice(0, limit).map(answered),
      computedAt: new Date(at).toISOString(),
    };
  });
}

function answered(letter: DeadLetterCounts['newest'][number]): object {
  const { origin, topic, partition, offset, reason, detail, service, at, state } = letter;
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

/** Throws a 503 Problem when it takes too long. */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const told = new Problem({
      status: 503,
      code: 'dead-letters-unread',
      title: 'The dead letters are still being read',
      detail: 'there are many, and they are read once after a start; try again',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
    timer = setTimeout(() => reject(told), ANSWER_MS_MAX);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
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
