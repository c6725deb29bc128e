/**
 * What a route declares about who may call it. Plain data, so that documents and tests are made from it.
 */
import type { Role } from './roles.ts';

/** Where a request names its tenant, and what it means when it names none. */
export interface NamedTenant {
  in: 'path' | 'query' | 'body';
  /** Of the parameter or member. */
  name: string;
  /** `refused`: never comes; `filtered`: the answer holds what the caller may see; `operators`: for all tenants' admins. */
  without: 'refused' | 'filtered' | 'operators';
}

export interface RoleRule {
  roles: readonly Role[];
  /**
   * `filtered`: the answer holds only the caller's tenants; `operators`: only for who has all tenants; `none`: the
   * answer has nothing of any tenant.
   */
  tenant: NamedTenant | 'filtered' | 'operators' | 'none';
  /** Readings that are audited; what is no GET is audited always. */
  audited?: true;
  /** The body's `by` says who did it: only an admin may name somebody else. */
  signed?: true;
}

/** `anyone` says why; `unlimited`: however often it is asked. */
export type AccessRule = { anyone: string; unlimited?: true } | RoleRule;

/** `METHOD /path/:parameter`, as the framework has it. */
export type AccessRules = Readonly<Record<string, AccessRule>>;
