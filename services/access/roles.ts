/**
 * Who calls, and for which tenants.
 */
import { createHash } from 'node:crypto';

const ID_CHARS = 16;

export const ROLES = ['admin', 'analyst', 'viewer', 'producer'] as const;
export type Role = (typeof ROLES)[number];

/** `*` is every tenant, those of the future too. */
export type Scope = '*' | ReadonlySet<string>;

export interface Caller {
  /** For people: the name of the key, or the subject of the token. */
  name: string;
  role: Role;
  scope: Scope;
  /** Public id of the key; `configured` for one from the configuration, empty for a token. */
  keyId: string;
  via: 'key' | 'token' | 'session';
  /** Of a session: names it, and opens nothing. */
  sessionId?: string;
  /** When the key or the token ends, milliseconds UTC; null: never. */
  expiresAt: number | null;
}

/** Tells callers apart, in limits and logs: the public id of a key or a session; of a token's holder a hash, not the name. */
export function callerId({ via, keyId, name, sessionId }: Caller): string {
  if (sessionId !== undefined) return `session:${sessionId}`;
  if (via !== 'token') return `key:${keyId}`;
  return `token:${createHash('sha256').update(name).digest('hex').slice(0, ID_CHARS)}`;
}

/** Whether the scope includes the tenant: byte for byte, as ids are compared everywhere. */
export function covers(scope: Scope, tenantId: string): boolean {
  return scope === '*' || scope.has(tenantId);
}

/** As keys and sessions hold it: an empty list is every tenant. */
export function scopeOf(tenants: readonly string[]): Scope {
  return tenants.length === 0 ? '*' : new Set(tenants);
}

/** The list of `scopeOf`, in order. */
export function tenantsOf(scope: Scope): string[] {
  return scope === '*' ? [] : [...scope].sort();
}
