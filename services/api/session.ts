/**
 * Sessions of the dashboard: a key once, a cookie from then on.
 */
import { type Authenticator, type Caller, callerOf, tenantsOf } from '@tally/access';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked } from './parameters.ts';

const KEY_CHARS_MAX = 8_192;

export const sessionBody = z.strictObject({ key: z.string().min(1).max(KEY_CHARS_MAX) });

/**
 * `POST /v1/session {key}` takes a key or a token and sets the cookie `tally_session`; `GET` says whose it is; `DELETE` ends
 * it. What is asked with the cookie and is no GET needs the header `x-tally-request: dashboard`.
 */
export function addSessionRoutes(app: FastifyInstance, authenticator: Authenticator): void {
  app.post('/v1/session', async (request, reply) => {
    const { key } = checked(sessionBody, request.body);
    const caller = await authenticator.callerOfKey(key.trim(), request);
    if (caller.role === 'producer') {
      const detail = 'a producer’s key only sends events, to the gateway';
      throw new Problem({ status: 403, code: 'role-forbidden', title: 'The role may not do this', detail });
    }
    const { cookie, expiresAt } = await authenticator.beginSession(caller, request);
    reply.headers({ 'set-cookie': cookie, 'cache-control': 'no-store' });
    return answered({ ...caller, expiresAt });
  });

  app.get('/v1/session', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    return answered(callerOf(request));
  });

  app.delete('/v1/session', async (request, reply) => {
    reply.header('set-cookie', await authenticator.endSession(request));
    return reply.code(204).send();
  });
}

/** `tenants` is null for all of them. */
function answered({ role, scope, name, expiresAt }: Caller): object {
  return {
    role,
    tenants: scope === '*' ? null : tenantsOf(scope),
    name,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}
