/**
 * Every key that is taken: those of the configuration, which need no ClickHouse, and those of the register.
 */
import { KeyRing } from '@tally/platform/http';
import type { KeyRegister } from './key-register.ts';
import { type Caller, type Scope, scopeOf } from './roles.ts';
import type { StoredKey } from './stored-keys.ts';

/** Id of keys from the configuration. */
export const CONFIGURED = 'configured';

export type KeyVerdict = { ok: true; caller: Caller } | { ok: false; detail: string };

export interface KeyBookOptions {
  adminKey: string;
  /** Keys from the configuration that may only send. */
  producers?: ReadonlyMap<string, Scope>;
  /** Without one, only the configuration's keys are known. */
  register?: KeyRegister | undefined;
  clock: () => number;
}

export class KeyBook {
  readonly configuredAdmin: Caller = {
    name: 'admin',
    role: 'admin',
    scope: '*',
    keyId: CONFIGURED,
    via: 'key',
    expiresAt: null,
  };
  readonly #ring: KeyRing<Caller>;
  readonly #register: KeyRegister | undefined;
  readonly #clock: () => number;

  constructor({ adminKey, producers = new Map(), register, clock }: KeyBookOptions) {
    const sending = [...producers].map(
      ([key, scope]) =>
        [
          key,
          { ...this.configuredAdmin, name: 'configured producer', role: 'producer', scope } satisfies Caller,
        ] as const,
    );
    this.#ring = new KeyRing<Caller>([...sending, [adminKey, this.configuredAdmin]]);
    this.#register = register;
    this.#clock = clock;
  }

  /** Who holds the key. Throws `KEYS_UNREADABLE`, retriable, and what `mayWait` does before it reads for an unknown key. */
  async callerOf(key: string, mayWait: () => Promise<void>): Promise<KeyVerdict> {
    const configured = this.#ring.find(key);
    if (configured) return { ok: true, caller: configured };
    const found = await this.#register?.find(key, mayWait);
    return found ? this.#judge(found) : { ok: false, detail: 'the key is not known here' };
  }

  /** Of a key that was shown before; undefined once it is revoked or has expired. */
  async callerById(id: string): Promise<Caller | undefined> {
    const found = await this.#register?.byId(id);
    if (!found) return undefined;
    const verdict = this.#judge(found);
    return verdict.ok ? verdict.caller : undefined;
  }

  #judge({ id, name, role, tenants, expiresAt, revokedAt }: StoredKey): KeyVerdict {
    if (revokedAt !== null) return { ok: false, detail: 'the key was revoked' };
    if (expiresAt !== null && expiresAt <= this.#clock()) return { ok: false, detail: 'the key has expired' };
    this.#register?.used(id);
    return { ok: true, caller: { name, role, scope: scopeOf(tenants), keyId: id, via: 'key', expiresAt } };
  }
}
