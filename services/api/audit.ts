/**
 * Who changed what and who read which statement, over HTTP.
 */
import { type AuditTrail, callerOf } from '@tally/access';
import { addDays } from '@tally/metering';
import type { FastifyInstance } from '@tally/platform/http';
import { z } from 'zod';
import { checked, day, invalid, startOf, tenantId } from './parameters.ts';

const RECORDS_DEFAULT = 100;
const RECORDS_MAX = 1_000;
const DAY_MIN = '2015-01-01';
const DAY_MAX = '2100-01-01';

const within = day.refine((text) => text >= DAY_MIN && text <= DAY_MAX, `must be from ${DAY_MIN} to ${DAY_MAX}`);
export const auditAsked = z.object({
  tenant: tenantId.optional(),
  from: within.default(DAY_MIN),
  to: within.default(DAY_MAX),
  limit: z.coerce.number().int().min(1).max(RECORDS_MAX).default(RECORDS_DEFAULT),
  after: z
    .string()
    .regex(/^\d{1,15}\.[0-9a-f-]{36}$/, 'must be the `next` of the page before')
    .optional(),
});

/** `GET /v1/audit?tenant=&from=&to=&limit=&after=`, newest first; `next` is the next page's `after`. */
export function addAuditRoute(app: FastifyInstance, audit: AuditTrail): void {
  app.get('/v1/audit', async (request) => {
    const { tenant, from, to, ...page } = checked(auditAsked, request.query);
    if (from > to) throw invalid('from must not be after to');
    const { records, next } = await audit.list({
      scope: callerOf(request).scope,
      tenantId: tenant,
      from: startOf(from),
      to: startOf(addDays(to, 1)),
      ...page,
    });
    return { records: records.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })), next };
  });
}
