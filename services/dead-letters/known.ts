/**
 * What is known already of the events and records that dead letters hold: whether a retry could change anything, and
 * what came of one.
 */
import { keyName, lookUp } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { profileKey } from '@tally/schemas';
import type { Verdict } from './judge.ts';

/** Profile records asked for in one query; their names travel in the request's address. */
const PROFILES_PER_QUERY_MAX = 100;

export interface KnownAlready {
  /** Where the event first occurred, or the profile record's newest state. */
  position: bigint;
  outcome: 'counted' | 'suppressed' | 'void' | 'recorded';
  /** Of a profile record: when its newest state was, milliseconds UTC. */
  changedAt?: number;
}

/** Answers for verdicts that are ok, by the verdict. Unknown ones are absent. */
export async function whatIsKnown(
  clickhouse: ClickHouse,
  verdicts: readonly Verdict[],
): Promise<Map<Verdict, KnownAlready>> {
  const known = new Map<Verdict, KnownAlready>();
  const eventKeys = verdicts.flatMap((verdict) => (verdict.ok && verdict.eventKey ? [verdict.eventKey] : []));
  const index = await lookUp(clickhouse, Buffer.concat(eventKeys));
  const profiles = await newestProfiles(clickhouse, verdicts);
  for (const verdict of verdicts) {
    if (!verdict.ok) continue;
    const entry = verdict.eventKey && index.get(keyName(verdict.eventKey));
    const profile = verdict.profile && profiles.get(profileKey(verdict.profile));
    if (profile) known.set(verdict, profile);
    else if (verdict.kind === 'void' && entry?.void) {
      known.set(verdict, { position: entry.void.position, outcome: 'void' });
    } else if (verdict.kind === 'interaction' && entry?.interaction) {
      const { position, suppressed } = entry.interaction;
      known.set(verdict, { position, outcome: suppressed ? 'suppressed' : 'counted' });
    }
  }
  return known;
}

const NEWEST = `
  SELECT
    tenant_id, environment_id, source, record_id,
    toString(max(record.position)) AS last, argMax(changed_at, record.position) AS changed
  FROM profile_records AS record
  WHERE (tenant_id, environment_id, source, record_id) IN
  (
    SELECT asked.1, asked.2, asked.3, asked.4
    FROM
    (
      SELECT arrayJoin(arrayZip({tenants:Array(String)}, {environments:Array(String)}, {sources:Array(String)}, {records:Array(String)})) AS asked
    )
  )
  GROUP BY tenant_id, environment_id, source, record_id`;

interface NewestRow {
  tenant_id: string;
  environment_id: string;
  source: string;
  record_id: string;
  last: string;
  changed: string;
}

async function newestProfiles(
  clickhouse: ClickHouse,
  verdicts: readonly Verdict[],
): Promise<Map<string, KnownAlready>> {
  const newest = new Map<string, KnownAlready>();
  const asked = verdicts.flatMap((verdict) => (verdict.ok && verdict.profile ? [verdict.profile] : []));
  for (let at = 0; at < asked.length; at += PROFILES_PER_QUERY_MAX) {
    const some = asked.slice(at, at + PROFILES_PER_QUERY_MAX);
    const rows = await clickhouse.query<NewestRow>(NEWEST, {
      tenants: some.map(({ tenantId }) => tenantId),
      environments: some.map(({ environmentId }) => environmentId),
      sources: some.map(({ source }) => source),
      records: some.map(({ recordId }) => recordId),
    });
    for (const { tenant_id, environment_id, source, record_id, last, changed } of rows) {
      newest.set(profileKey({ tenantId: tenant_id, environmentId: environment_id, source, recordId: record_id }), {
        position: BigInt(last),
        outcome: 'recorded',
        changedAt: Number(changed),
      });
    }
  }
  return newest;
}
