/**
 * Identifiers in normal form, hashed with the tenant's key: what leaves the consumer holds no e-mail address and no
 * phone number.
 */

import { normaliseIdentifier } from '@tally/metering';
import type { Identifier } from '@tally/schemas';
import { identifierKeyOf, tenantSecretOf } from './hash.ts';

/** Tenants whose key is kept at hand. */
const TENANTS_KEPT_MAX = 10_000;

export class IdentifierHasher {
  readonly #secret: string;
  readonly #tenants = new Map<string, Buffer>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The distinct identifiers of a record; those that are empty in normal form identify nobody and are left out. */
  hash(tenantId: string, identifiers: readonly Identifier[]): { kind: string; key: Buffer }[] {
    const distinct = new Map<string, { kind: string; key: Buffer }>();
    for (const { kind, value } of identifiers) {
      const normal = normaliseIdentifier(kind, value);
      if (normal === '') continue;
      const key = identifierKeyOf(this.#tenantSecret(tenantId), kind, normal);
      distinct.set(key.toString('latin1'), { kind, key });
    }
    return [...distinct.values()];
  }

  #tenantSecret(tenantId: string): Buffer {
    let secret = this.#tenants.get(tenantId);
    if (!secret) {
      if (this.#tenants.size >= TENANTS_KEPT_MAX) this.#tenants.clear();
      secret = tenantSecretOf(this.#secret, tenantId);
      this.#tenants.set(tenantId, secret);
    }
    return secret;
  }
}
