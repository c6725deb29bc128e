/**
 * Which key may send for which tenants.
 */
import { KeyRing } from '@tally/platform/http';

/** `*` is every tenant. */
export type TenantGrant = '*' | ReadonlySet<string>;

/** Whether the grant includes the tenant. */
export function covers(grant: TenantGrant, tenantId: string): boolean {
  return grant === '*' || grant.has(tenantId);
}

/** The admin key sends for every tenant, a producer's key for its own. */
export function gatewayKeys(adminKey: string, producers: ReadonlyMap<string, TenantGrant>): KeyRing<TenantGrant> {
  return new KeyRing<TenantGrant>([...producers, [adminKey, '*']]);
}
