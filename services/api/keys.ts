/**
 * Keys: made, listed, revoked. An admin of some tenants makes keys for these alone, and sees no others.
 */
import {
  type Caller,
  callerOf,
  covers,
  KEY_ID,
  type KeyRegister,
  lastUses,
  newKey,
  ROLES,
  type StoredKey,
  storedKeys,
  storeKey,
} from '@tally/access';
import { addDays } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked, day, invalid, startOf, tenantId } from './parameters.ts';

const NAME_CHARS_MAX = 200;
const TENANTS_MAX = 1_000;
const EXPIRES_MAX = '2100-01-01';

export const keyBody = z.strictObject({
  name: z.string().trim().min(1).max(NAME_CHARS_MAX),
  role: z.enum(ROLES),
  tenants: z.array(tenantId).max(TENANTS_MAX).default([]),
  expiresOn: day
    .refine((text) => text <= EXPIRES_MAX, `must not be after ${EXPIRES_MAX}`)
    .nullable()
    .default(null),
});
const keyPath = z.object({ keyId: z.string().regex(KEY_ID, 'is not the id of a key') });

export interface KeyRouteOptions {
  clickhouse: ClickHouse;
  register: KeyRegister;
  clock: () => number;
}

/**
 * `POST /v1/keys` answers 201 with the key, which is shown this once; `expiresOn` is the last day, UTC, on which it is
 * taken. `GET /v1/keys` lists all there ever were, newest first; `DELETE /v1/keys/{id}` revokes one for good.
 */
export function addKeyRoutes(app: FastifyInstance, { clickhouse, register, clock }: KeyRouteOptions): void {
  app.post('/v1/keys', async (request, reply) => {
    const caller = callerOf(request);
    const { name, role, tenants, expiresOn } = checked(keyBody, request.body);
    const now = clock();
    if (!maySee(caller, tenants)) throw notYours();
    const expiresAt = expiresOn === null ? null : startOf(addDays(expiresOn, 1));
    if (expiresAt !== null && expiresAt <= now) throw invalid('expiresOn must not be over');
    const { id, key, hash } = newKey();
    const stored: StoredKey = {
      id,
      name,
      role,
      tenants: [...new Set(tenants)].sort(),
      hash,
      createdAt: now,
      createdBy: caller.name,
      expiresAt,
      revokedAt: null,
      revokedBy: '',
    };
    await storeKey(clickhouse, stored, now);
    register.forget();
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ ...answered(stored), key });
  });

  app.get('/v1/keys', async (request) => {
    const caller = callerOf(request);
    const [keys, uses] = await Promise.all([storedKeys(clickhouse), lastUses(clickhouse)]);
    const seen = keys.filter(({ tenants }) => maySee(caller, tenants));
    return {
      keys: seen
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
        .map((key) => ({ ...answered(key), lastUsedAt: iso(uses.get(key.id) ?? null) })),
    };
  });

  app.delete('/v1/keys/:keyId', async (request, reply) => {
    const caller = callerOf(request);
    const { keyId } = checked(keyPath, request.params);
    const found = (await storedKeys(clickhouse)).find(({ id }) => id === keyId);
    if (!found || !maySee(caller, found.tenants)) {
      throw new Problem({ status: 404, code: 'key-unknown', title: 'No such key', detail: `there is no key ${keyId}` });
    }
    const now = clock();
    if (found.revokedAt === null) {
      await storeKey(clickhouse, { ...found, revokedAt: now, revokedBy: caller.name }, now);
      register.forget();
    }
    return reply.code(204).send();
  });
}

/** An empty list is all tenants, those of others too. */
function maySee({ scope }: Caller, tenants: readonly string[]): boolean {
  return scope === '*' || (tenants.length > 0 && tenants.every((tenant) => covers(scope, tenant)));
}

function notYours(): Problem {
  const detail = 'the key would cover a tenant that yours does not';
  return new Problem({ status: 403, code: 'tenant-forbidden', title: 'The tenant is not one of yours', detail });
}

function answered({ id, name, role, tenants, createdAt, createdBy, expiresAt, revokedAt, revokedBy }: StoredKey) {
  return {
    id,
    name,
    role,
    tenants,
    createdAt: iso(createdAt),
    createdBy,
    expiresAt: iso(expiresAt),
    revokedAt: iso(revokedAt),
    revokedBy,
  };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
