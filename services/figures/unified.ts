/**
 * Unified people of one environment: its live source records, merged where they share an identifier. (Rules: "Unified
 * people".)
 */
import { IdentityResolution } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { UnificationRules } from './unification-rules.ts';
import { joiningKeys, ReadUpTo, readRecords, recordBytes } from './unified-records.ts';

/** An identifier that joins nobody, since too many records share it. */
export interface SharedIdentifier {
  kind: string;
  /** The first digits of its keyed hash, hexadecimal: enough to recognise it, not to find out what it is. */
  identifier: string;
  /** How many live records have it. */
  records: number;
}

export interface UnifiedPeople {
  people: number;
  /** Live source records behind them. */
  records: number;
  /** The most widely shared identifiers over the limit, at most `SHARED_LISTED_MAX`. */
  shared: SharedIdentifier[];
  /** How many more there are. */
  sharedOmitted: number;
  /** The highest log position read of each partition, deleted records included: what was read can be told by it. */
  readUpTo: string[];
}

export interface UnifiedAsked {
  tenantId: string;
  environmentId: string;
  rules: UnificationRules;
}

/** Listed of each environment. */
export const SHARED_LISTED_MAX = 100;

/**
 * The newest state of each record; `FINAL` merges in the order of the key, so ClickHouse holds some blocks and no table of
 * all records.
 */
const newestRecords = (keys: string): string => `
  SELECT ${recordBytes({ keys, position: 'position', deleted: 'deleted' })}
  FROM profile_records FINAL
  WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String}`;

/** Reads the records as a stream; memory is some 10 bytes a record and 40 to 60 an identifier. */
export async function unifiedPeople(clickhouse: ClickHouse, asked: UnifiedAsked): Promise<UnifiedPeople> {
  const { tenantId, environmentId, rules } = asked;
  const resolution = new IdentityResolution();
  const readUpTo = new ReadUpTo();
  const keys = joiningKeys(rules.kinds);
  const query = { sql: newestRecords(keys.sql), params: { tenantId, environmentId, ...keys.params } };
  await readRecords(clickhouse, query, {
    identifier: (a, b, c, d) => resolution.identifier(a, b, c, d),
    endRecord: (upper, lower, deleted) => {
      readUpTo.note(upper, lower);
      if (!deleted) resolution.endRecord();
    },
  });
  const { people, records, overLimit, overLimitOmitted } = resolution.resolve({
    sharedByMax: rules.limit,
    listedMax: SHARED_LISTED_MAX,
  });
  const kinds = await kindsOf(
    clickhouse,
    asked,
    overLimit.map(({ key }) => key),
  );
  return {
    people,
    records,
    shared: overLimit.map(({ key, records: sharing }) => ({
      kind: kinds.get(key) ?? '',
      identifier: shortForm(key),
      records: sharing,
    })),
    sharedOmitted: overLimitOmitted,
    readUpTo: readUpTo.positions(),
  };
}

/** A key's kind is part of what was hashed, so it has one. */
async function kindsOf(
  clickhouse: ClickHouse,
  { tenantId, environmentId }: { tenantId: string; environmentId: string },
  keys: readonly bigint[],
): Promise<Map<bigint, string>> {
  if (keys.length === 0) return new Map();
  const rows = await clickhouse.query<{ hash: string; of: string }>(
    `SELECT toString(key) AS hash, any(kind) AS of
     FROM profile_records
     ARRAY JOIN identifier_keys AS key, identifier_kinds AS kind
     WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String} AND key IN {keys:Array(UInt128)}
     GROUP BY key`,
    { tenantId, environmentId, keys: [...keys] },
  );
  return new Map(rows.map(({ hash, of }) => [BigInt(hash), of]));
}

const KEY_DIGITS = 32;
const SHORT_DIGITS = 12;

/** The first 48 of a key's 128 bits. */
export function shortForm(key: bigint): string {
  return key.toString(16).padStart(KEY_DIGITS, '0').slice(0, SHORT_DIGITS);
}
