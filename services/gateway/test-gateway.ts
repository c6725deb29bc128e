/**
 * A gateway whose log is a list in memory, for tests.
 */
import { Authenticator, KeyBook } from '@tally/access';
import { Registry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import type { TallyRecord } from '@tally/schemas';
import type { EventSink } from './deliver.ts';
import { createGateway, type GatewayLimits } from './gateway.ts';

export const ADMIN_KEY = 'admin-key-of-the-tests';
export const PRODUCER_KEY = 'producer-key-of-acme-1';
export const NOW = Date.UTC(2025, 5, 15, 12);

export const STRUCTURED = 'application/cloudevents+json';
export const BATCHED = 'application/cloudevents-batch+json';

export interface SentRequest {
  body: string | Buffer;
  contentType?: string | undefined;
  key?: string | undefined;
  headers?: Record<string, string>;
}

export interface TestGatewayOptions {
  /** Asked before a record goes into the log; rejects when the test wants a failure. */
  before?: EventSink;
  limits?: Partial<GatewayLimits>;
}

const LIMITS: GatewayLimits = {
  bodyBytesMax: 64 * 1024,
  bodyBytesInFlightMax: 1024 * 1024,
  batchEventsMax: 10,
  eventsInFlightMax: 20,
  answerMsMax: 1_000,
  requestTimeoutMs: 5_000,
};

/** The gateway, the log it fills, and a short way to post. */
export function createTestGateway({ before, limits }: TestGatewayOptions = {}) {
  const log: TallyRecord[] = [];
  const registry = new Registry();
  const app = createGateway({
    log: createLog('gateway', 'silent'),
    registry,
    send: async (record) => {
      if (before) await before(record);
      log.push(record);
    },
    ready: async () => ({ ok: true, detail: 'the list is there' }),
    authenticator: new Authenticator({
      keys: new KeyBook({
        adminKey: ADMIN_KEY,
        producers: new Map([[PRODUCER_KEY, new Set(['acme', 'acme-test'])]]),
        clock: () => NOW,
      }),
      wrongKeysPerMinuteMax: 60,
    }),
    limits: { ...LIMITS, ...limits },
    now: () => NOW,
  });
  const post = ({ body, contentType = STRUCTURED, key = ADMIN_KEY, headers }: SentRequest) =>
    app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': contentType, authorization: `Bearer ${key}`, ...headers },
      payload: body,
    });
  return { app, log, registry, post, postEvent: (event: unknown) => post({ body: JSON.stringify(event) }), postBatch };

  function postBatch(events: unknown, key?: string) {
    return post({ body: JSON.stringify(events), contentType: BATCHED, key });
  }
}

/** A valid interaction; `data` and `rest` replace or add members. */
export function interaction(id: string, data: object = {}, rest: object = {}) {
  return {
    specversion: '1.0',
    type: 'tally.interaction.v1',
    source: '/tests',
    id,
    time: '2025-06-01T10:00:00Z',
    data: {
      tenantId: 'acme',
      environmentId: 'prod',
      entityType: 'contact',
      entityId: 'c-1',
      channel: 'email',
      ...data,
    },
    ...rest,
  };
}
