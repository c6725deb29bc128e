/**
 * What is on record of tenants when their statements are drawn up: licences, environments, policies, and what was stated
 * before.
 */
import { newestEnvironments, newestLicences, policyStarts } from '@tally/figures';
import {
  type Environment,
  type LicenceLine,
  type PolicyStart,
  type PolicyTimeline,
  policyNamed,
  timelineOf,
} from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Statement } from './document.ts';
import { storedStatements } from './stored.ts';

export interface OnRecord {
  licences: readonly LicenceLine[];
  /** Null where none was ever recorded. */
  licenceVersion: string | null;
  environments: readonly Environment[];
  policies: PolicyTimeline;
  decisions: readonly PolicyStart[];
  /** By number. */
  statements: readonly Statement[];
}

export async function onRecord(clickhouse: ClickHouse, tenants: readonly string[]): Promise<Map<string, OnRecord>> {
  const [licences, environments, decisions, statements] = await Promise.all([
    newestLicences(clickhouse, tenants),
    newestEnvironments(clickhouse, tenants),
    policyStarts(clickhouse, tenants),
    storedStatements(clickhouse, tenants),
  ]);
  return new Map(
    tenants.map((tenantId) => {
      const starts = decisions.get(tenantId) ?? [];
      return [
        tenantId,
        {
          licences: licences.get(tenantId)?.lines ?? [],
          licenceVersion: licences.get(tenantId)?.id ?? null,
          environments: environments.get(tenantId)?.lines ?? [],
          policies: timelineOf(starts),
          decisions: starts,
          statements: statements.get(tenantId) ?? [],
        },
      ];
    }),
  );
}

/** The policies that a statement was drawn up by. Throws `POLICY_UNKNOWN` for one that this version does not know. */
export function policiesOf({ evidence }: Pick<Statement, 'evidence'>): PolicyTimeline {
  return timelineOf(
    evidence.policies.map(({ from, policy: name }) => {
      const policy = policyNamed(name);
      if (policy) return { from, policy };
      throw new TallyError(`the statement names a counting policy ${name} that this version does not know`, {
        code: 'POLICY_UNKNOWN',
        retriable: false,
      });
    }),
  );
}
