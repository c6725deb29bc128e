/**
 * From the outcomes of a request's events to its HTTP answer.
 */
import type { Problem } from '@tally/platform/http';
import { FAULTS, type FaultCode, problemFor } from './codes.ts';
import type { Outcome } from './deliver.ts';

export interface EventAnswer {
  /** Place in the batch, from 0. */
  index: number;
  id: string | null;
  status: Outcome['status'];
  code?: FaultCode;
  detail?: string;
  /** Whether sending the same event again can help. */
  retriable?: boolean;
}

export interface EventsBody {
  accepted: number;
  refused: number;
  failed: number;
  events: EventAnswer[];
}

export type Answer = { status: 202 | 207; body: EventsBody } | { problem: Problem };

/** What a client most needs to know comes first when the failed events of a request failed in different ways. */
const WORST_FIRST = ['kafka-unavailable', 'shutting-down', 'internal', 'back-pressure'] as const;

/**
 * The answer to a request: 202 when every event is in the log, 207 when some are. When none is: 503, 500 or 429 if
 * any failed (so it can be sent again), else the status that all refusals share, else 400.
 */
export function answerOf(events: EventAnswer[]): Answer {
  const count = (status: EventAnswer['status']): number => events.filter((event) => event.status === status).length;
  const body = { accepted: count('accepted'), refused: count('refused'), failed: count('failed'), events };
  if (body.accepted === events.length) return { status: 202, body };
  if (body.accepted > 0) return { status: 207, body };
  const code = codeOfNone(events);
  const only = events.length === 1 ? events[0]?.detail : undefined;
  const detail =
    only ?? `of ${events.length} events ${body.refused} were refused and ${body.failed} failed; see events`;
  return { problem: problemFor(code, detail, { ...body }) };
}

function codeOfNone(events: readonly EventAnswer[]): FaultCode {
  const codes = new Set(events.flatMap(({ code }) => code ?? []));
  const worst = WORST_FIRST.find((code) => codes.has(code));
  if (worst) return worst;
  const [first, ...others] = codes;
  if (first === undefined || others.some((code) => FAULTS[code].status !== FAULTS[first].status))
    return 'batch-refused';
  return others.length === 0 ? first : 'batch-refused';
}
