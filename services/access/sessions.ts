/**
 * Sessions of the dashboard: a random id in a cookie, its keyed hash in ClickHouse. What a session may do is looked up by
 * its key each time, so it ends with the key; one that was begun with a token carries the token's rights, to its end.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { CONFIGURED, type KeyBook } from './key-book.ts';
import { type Caller, type Role, scopeOf, tenantsOf } from './roles.ts';

export const SESSION_MS_MAX = 12 * 3_600_000;
/** A session that is ended in another process is refused here after this long. */
const KEPT_MS = 5_000;
const KEPT_MAX = 10_000;
const ID_BYTES = 32;
/** Of the hash: enough to tell sessions apart. */
const SESSION_ID_CHARS = 16;
const ID = /^[A-Za-z0-9_-]{43}$/;

export interface Session {
  keyId: string;
  name: string;
  role: Role;
  tenants: string[];
  expiresAt: number;
  ended: boolean;
}

interface Row {
  key_id: string;
  name: string;
  role: Role;
  tenants: string[];
  expires: string;
  ended: number;
}

const SESSION = `
  SELECT key_id, name, role, tenants, toUnixTimestamp64Milli(expires_at) AS expires, ended_at IS NOT NULL AS ended
  FROM sessions
  WHERE hash = {hash:String}
  ORDER BY ended DESC
  LIMIT 1`;

export class Sessions {
  readonly #options: { clickhouse: ClickHouse; secret: string; keys: KeyBook; clock: () => number };
  readonly #kept = new Map<string, { session: Session | undefined; readAt: number }>();

  /** @param options.secret the configured admin key */
  constructor(options: { clickhouse: ClickHouse; secret: string; keys: KeyBook; clock: () => number }) {
    this.#options = options;
  }

  /** A new session of a caller; the id is for the cookie. */
  async begin(caller: Caller): Promise<{ id: string; expiresAt: number }> {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const { name, role, scope, keyId } = caller;
    const expiresAt = Math.min(this.#options.clock() + SESSION_MS_MAX, caller.expiresAt ?? Number.POSITIVE_INFINITY);
    const session = { keyId, name, role, tenants: tenantsOf(scope), expiresAt, ended: false };
    await this.#store(id, session);
    return { id, expiresAt };
  }

  /** Who holds the session; undefined when it is none, or over. */
  async callerOf(id: string, mayAsk: () => Promise<void>): Promise<Caller | undefined> {
    const session = await this.#find(id, mayAsk);
    const now = this.#options.clock();
    if (!session || session.ended || session.expiresAt <= now) return undefined;
    const { keyId, name, role, tenants, expiresAt } = session;
    const own = { via: 'session', sessionId: this.#hashOf(id).slice(0, SESSION_ID_CHARS), expiresAt } as const;
    if (keyId === '') return { name, role, scope: scopeOf(tenants), keyId, ...own };
    const caller =
      keyId === CONFIGURED ? this.#options.keys.configuredAdmin : await this.#options.keys.callerById(keyId);
    return caller && { ...caller, ...own };
  }

  /** Ends it, here at once and elsewhere within seconds. */
  async end(id: string): Promise<void> {
    const session = await this.#find(id, async () => {});
    if (session && !session.ended) await this.#store(id, { ...session, ended: true });
  }

  async #find(id: string, mayAsk: () => Promise<void>): Promise<Session | undefined> {
    if (!ID.test(id)) return undefined;
    const hash = this.#hashOf(id);
    const now = this.#options.clock();
    const kept = this.#kept.get(hash);
    if (kept && now - kept.readAt < KEPT_MS) return kept.session;
    if (!kept) await mayAsk();
    const [row] = await this.#options.clickhouse.query<Row>(SESSION, { hash });
    const session = row && {
      keyId: row.key_id,
      name: row.name,
      role: row.role,
      tenants: row.tenants,
      expiresAt: Number(row.expires),
      ended: row.ended === 1,
    };
    this.#keep(hash, session, now);
    return session;
  }

  async #store(id: string, session: Session): Promise<void> {
    const { clickhouse, clock } = this.#options;
    const hash = this.#hashOf(id);
    const { keyId, name, role, tenants, expiresAt, ended } = session;
    const now = dateTime64(clock());
    await clickhouse.insert('sessions', [
      {
        hash,
        key_id: keyId,
        name,
        role,
        tenants,
        created_at: now,
        expires_at: dateTime64(expiresAt),
        ended_at: ended ? now : null,
      },
    ]);
    this.#keep(hash, session, clock());
  }

  #keep(hash: string, session: Session | undefined, readAt: number): void {
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    // Random ids that are none would fill the memory.
    if (session) this.#kept.set(hash, { session, readAt });
    else this.#kept.delete(hash);
  }

  #hashOf(id: string): string {
    return createHmac('sha256', this.#options.secret).update(`tally session ${id}`).digest('hex');
  }
}
