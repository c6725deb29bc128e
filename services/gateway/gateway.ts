/**
 * `POST /v1/events`: admit → read → judge → deliver → answer.
 */
import { type AccessRules, type Authenticator, callerOf, guard, type Scope } from '@tally/access';
import {
  createHttpServer,
  type FastifyInstance,
  type FastifyRequest,
  type Readiness,
  type Registry,
} from '@tally/platform/http';
import type { Logger } from '@tally/platform/log';
import type { Tracing } from '@tally/platform/tracing';
import { Admission, type AdmissionLimits } from './admission.ts';
import { answerOf, type EventAnswer } from './answer.ts';
import { problemFor } from './codes.ts';
import { Delivery, type EventSink, type Outcome } from './deliver.ts';
import { type Judged, judge } from './judge.ts';
import { gatewayMetrics } from './metrics.ts';
import { type Mode, modeOf } from './mode.ts';
import { readEvents } from './read-events.ts';

export interface GatewayLimits extends AdmissionLimits {
  /** Events in one batch. */
  batchEventsMax: number;
  /** Events handed to the log and not settled yet; at least `batchEventsMax`. */
  eventsInFlightMax: number;
  /** How long a request waits for acknowledgements, milliseconds. */
  answerMsMax: number;
  /** How long a client may take to send a request, milliseconds. */
  requestTimeoutMs: number;
}

export interface GatewayOptions {
  log: Logger;
  registry: Registry;
  send: EventSink;
  ready: () => Promise<Readiness>;
  authenticator: Pick<Authenticator, 'callerOf'>;
  limits: GatewayLimits;
  /** Milliseconds UTC. */
  now: () => number;
  tracing?: Tracing | undefined;
}

const PROBE = { anyone: 'probes have no key' };

/** Which tenants a sender has is looked at event by event. */
const ACCESS_RULES: AccessRules = {
  'GET /health/live': PROBE,
  'GET /health/ready': PROBE,
  'GET /metrics': PROBE,
  'POST /v1/events': { roles: ['admin', 'producer'], tenant: 'filtered' },
};

/** What the headers of a request decide. */
interface Admitted {
  mode: Mode;
  tenants: Scope;
}

/** The gateway as an HTTP server that does not listen yet. */
export function createGateway({
  log,
  registry,
  send,
  ready,
  authenticator,
  limits,
  now,
  tracing,
}: GatewayOptions): FastifyInstance {
  const { bodyBytesMax, requestTimeoutMs, batchEventsMax, answerMsMax, eventsInFlightMax } = limits;
  const metrics = gatewayMetrics(registry);
  const admission = new Admission(limits);
  const delivery = new Delivery({
    send,
    log,
    answerMsMax,
    eventsInFlightMax,
    onInFlight: metrics.setInFlight,
    onSettled: metrics.acknowledged,
  });
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const app = createHttpServer({
    log,
    registry,
    ready,
    bodyBytesMax,
    requestTimeoutMs,
    tracing,
    beforeRoutes: (server) => guard(server, { rules: ACCESS_RULES, authenticator }),
  });

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

    // 1. Before the body is read: who sends, in which mode, and whether there is room.
    scope.addHook('onRequest', async (request, reply) => {
      const tenants = callerOf(request).scope;
      const mode = modeOf(request.headers);
      reply.raw.once('close', admission.admit(request.headers));
      admitted.set(request, { mode, tenants });
    });

    scope.post('/v1/events', async (request, reply) => {
      const { mode, tenants } = admittedOf(admitted, request);
      // 2. Read and judge. Nothing has been sent: a crash costs nothing, the sender has no answer.
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const events = readEvents({ mode, rawHeaders: request.raw.rawHeaders, body }, batchEventsMax);
      const received = now();
      const judged = events.map((event) => judge(event, tenants, received));
      // 3. Deliver. A crash from here on: events may be in the log without an answer; sent again, they count once.
      const outcomes = await deliverValid(delivery, judged);
      // 4. Answer what is now known to be in the log.
      const answers = judged.map(({ id }, index): EventAnswer => ({ index, id, ...outcomeAt(outcomes, index) }));
      metrics.countEvents(answers);
      const answer = answerOf(answers);
      if ('problem' in answer) throw answer.problem;
      return reply.code(answer.status).send(answer.body);
    });
  });
  return app;
}

/** Outcomes of all events, in order; only the valid ones are sent. Throws Problem 429 or 503 when there is no room. */
async function deliverValid(delivery: Delivery, judged: readonly Judged[]): Promise<Outcome[]> {
  const records = judged.flatMap(({ verdict }) => (verdict.ok ? [verdict.record] : []));
  if (!delivery.hasRoom(records.length)) {
    if (delivery.failing) throw problemFor('kafka-unavailable', 'events already wait for the log; try again');
    throw problemFor('back-pressure', 'too many events are on their way to the log; try again');
  }
  const delivered = (records.length > 0 ? await delivery.deliver(records) : []).values();
  return judged.map(({ verdict }): Outcome => {
    if (!verdict.ok) return { status: 'refused', code: verdict.code, detail: verdict.detail, retriable: false };
    const { value } = delivered.next();
    if (!value) throw new Error('there are fewer outcomes than records');
    return value;
  });
}

function outcomeAt(outcomes: readonly Outcome[], index: number): Outcome {
  const outcome = outcomes[index];
  if (!outcome) throw new Error('there are fewer outcomes than events');
  return outcome;
}

function admittedOf(all: WeakMap<FastifyRequest, Admitted>, request: FastifyRequest): Admitted {
  const admitted = all.get(request);
  if (!admitted) throw new Error('a request came past the admission');
  return admitted;
}
