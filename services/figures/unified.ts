/**
 * Unified people of one environment: its live source records, merged where they share an identifier. (Rules: "Unified
 * people".)
 */
import { IdentityResolution } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface UnifiedPeople {
  people: number;
  /** Live source records behind them. */
  records: number;
}

/** Each record's last position wins; parts not yet merged may still hold earlier ones. */
const LIVE_RECORDS = `
  SELECT arrayMap(key -> hex(key), argMax(identifier_keys, position)) AS identifiers
  FROM profile_records
  WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String}
  GROUP BY source, record_id
  HAVING argMax(deleted, position) = 0`;

/** Reads the records as a stream; memory is a few bytes a record and some hundred an identifier. */
export async function unifiedPeople(
  clickhouse: ClickHouse,
  asked: { tenantId: string; environmentId: string },
): Promise<UnifiedPeople> {
  const resolution = new IdentityResolution();
  for await (const [identifiers] of clickhouse.stream<[string[]]>(LIVE_RECORDS, asked)) resolution.add(identifiers);
  return { people: resolution.people, records: resolution.records };
}
