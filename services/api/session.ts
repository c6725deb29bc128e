/**
 * Sessions of the dashboard: a key once, a cookie from then on.
 */
import { type AuditTrail, type Authenticator, type Caller, callerOf, claimedKeyId, tenantsOf } from '@tally/access';
import { type FastifyInstance, type FastifyRequest, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked } from './parameters.ts';

const KEY_CHARS_MAX = 8_192;
const TOO_MANY = 429;

export const sessionBody = z.strictObject({ key: z.string().min(1).max(KEY_CHARS_MAX) });

/**
 * `POST /v1/session {key}` takes a key or a token and sets the cookie `tally_session`; `GET` says whose it is; `DELETE` ends
 * it. What is asked with the cookie and is no GET needs the header `x-tally-request: dashboard`.
 */
export function addSessionRoutes(
  app: FastifyInstance,
  { authenticator, audit }: { authenticator: Authenticator; audit: AuditTrail },
): void {
  const logIns = new LogIns(audit);
  const onResponse = async (request: FastifyRequest, { statusCode }: { statusCode: number }): Promise<void> =>
    logIns.ended(request, statusCode);

  app.post('/v1/session', { onResponse }, async (request, reply) => {
    const { key } = checked(sessionBody, request.body);
    logIns.tried(request, key.trim());
    const caller = await authenticator.callerOfKey(key.trim(), request);
    await logIns.begins(request, caller);
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

type Tried = Parameters<AuditTrail['end']>[1]['caller'];

/** Log-ins on record: before a session begins, and what became of each one that was tried. */
class LogIns {
  readonly #audit: AuditTrail;
  readonly #who = new WeakMap<FastifyRequest, Tried>();

  constructor(audit: AuditTrail) {
    this.#audit = audit;
  }

  /** A wrong key is not on record, only the public id that is in it: it may be a right one elsewhere. */
  tried(request: FastifyRequest, key: string): void {
    this.#who.set(request, { name: '', role: '', keyId: claimedKeyId(key) ?? '', via: 'key' });
  }

  /** Before its session does. Throws ClickHouse's error, and then none begins. */
  async begins(request: FastifyRequest, caller: Caller): Promise<void> {
    this.#who.set(request, caller);
    await this.#audit.begin(request, { caller, tenantId: '', address: request.ip });
  }

  /** Those that came too often were not looked at, so they are not on record: that would be a way to fill it. */
  ended(request: FastifyRequest, status: number): void {
    const caller = this.#who.get(request);
    if (!caller || status === TOO_MANY) return;
    this.#audit.end(request, { caller, tenantId: '', address: request.ip, status });
  }
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
