/**
 * Which routes give their answers again while nothing has changed: the figures of one tenant, the same for every caller who
 * may read them (the guard has looked at the caller before). See kept-answers.ts.
 */
import { dayOf } from '@tally/metering';
import type { TableVersions } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import type { Freshness } from './freshness.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { LogVersions } from './log-versions.ts';
import { tenantOf } from './parameters.ts';

/** Two cores and the waiting for disks between their queries. */
const AT_ONCE_MAX = 4;
const WAITING_MAX = 1_000;
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** Told as of now each time; the others are as of a run of the aggregator, or no figures. */
const AS_OF_NOW: ReadonlySet<string> = new Set([
  '/v1/tenants/:tenantId/interactions',
  '/v1/tenants/:tenantId/engaged',
  '/v1/tenants/:tenantId/engaged/curve',
  '/v1/tenants/:tenantId/quota',
  '/v1/tenants/:tenantId/true-up',
]);
const KEPT: ReadonlySet<string> = new Set([
  ...AS_OF_NOW,
  '/v1/tenants/:tenantId/alerts',
  '/v1/tenants/:tenantId/environments',
  '/v1/tenants/:tenantId/licences',
  '/v1/tenants/:tenantId/statements',
  '/v1/tenants/:tenantId/unified',
  '/v1/tenants/:tenantId/unified/history',
]);

/** Whether a route's answers are kept, and worked out only a few at a time. */
export function isKept(route: string): boolean {
  return KEPT.has(route);
}

interface KeepOptions {
  versions: TableVersions;
  logVersions: LogVersions;
  freshness: Freshness;
  clock: () => number;
}

/** To be called before the routes are added; what they answer stays as it is. */
export function keepAnswers(app: FastifyInstance, { versions, logVersions, freshness, clock }: KeepOptions): void {
  const limits = { atOnceMax: AT_ONCE_MAX, waitingMax: WAITING_MAX, bytesMax: KEPT_BYTES_MAX };
  const kept = new KeptAnswers({ versions, logVersions, clock, ...limits });
  app.addHook('onRoute', (route) => {
    if (route.method !== 'GET' || !isKept(route.url)) return;
    const { handler } = route;
    route.handler = async function (request, reply) {
      // Positions first, as in every answer: they must be no newer than the figures.
      const asOf = await freshness.now();
      const question = `${request.url}\n${dayOf(clock())}`;
      const tenantId = AS_OF_NOW.has(route.url) ? tenantOf(request.params) : undefined;
      const answer = await kept.of({ question, tenantId }, async () => {
        const made = (await handler.call(this, request, reply)) as object;
        return { answer: made, until: changesBy(made) };
      });
      return AS_OF_NOW.has(route.url) ? { ...answer, asOf } : answer;
    };
  });
}

/** Silences are listed until they end, and nothing is written when one does. */
function changesBy(answer: object): number | undefined {
  if (!('silences' in answer)) return undefined;
  const { silences } = answer as { silences: readonly { until: string }[] };
  return silences.length === 0 ? undefined : Math.min(...silences.map(({ until }) => Date.parse(until)));
}
