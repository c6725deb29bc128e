/**
 * Unified people of one environment: its live source records, merged where they share an identifier. (Rules: "Unified
 * people".)
 */
import { IdentityResolution } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { UnificationRules } from './unification-rules.ts';

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
}

export interface UnifiedAsked {
  tenantId: string;
  environmentId: string;
  rules: UnificationRules;
}

/** Listed of each environment. */
export const SHARED_LISTED_MAX = 100;

/**
 * The newest state of each record that is not deleted; `FINAL` merges in the order of the key, so ClickHouse holds some
 * blocks and no table of all records. A record is its identifiers' keys, 16 bytes each, and an end mark of 16 bytes.
 */
const liveRecords = (keys: string): string => `
  SELECT reinterpret(arrayPushBack(${keys}, toUInt128('${2n ** 128n - 1n}')), 'String')
  FROM profile_records FINAL
  WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String} AND deleted = 0`;

/** Where every kind joins, the kinds need not be read. */
const EVERY_KEY = 'identifier_keys';
const KEYS_OF_KINDS = 'arrayFilter((key, kind) -> has({kinds:Array(String)}, kind), identifier_keys, identifier_kinds)';

const KEY_BYTES = 16;
const END_WORD = 0xffff_ffff;

/** Reads the records as a stream; memory is some 10 bytes a record and 40 to 60 an identifier. */
export async function unifiedPeople(clickhouse: ClickHouse, asked: UnifiedAsked): Promise<UnifiedPeople> {
  const resolution = new IdentityResolution();
  await readRecords(clickhouse, asked, resolution);
  const { people, records, overLimit, overLimitOmitted } = resolution.resolve({
    sharedByMax: asked.rules.limit,
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
  };
}

async function readRecords(clickhouse: ClickHouse, asked: UnifiedAsked, into: IdentityResolution): Promise<void> {
  const { tenantId, environmentId, rules } = asked;
  const sql = liveRecords(rules.kinds === null ? EVERY_KEY : KEYS_OF_KINDS);
  const params = { tenantId, environmentId, ...(rules.kinds === null ? {} : { kinds: rules.kinds }) };
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of clickhouse.streamRaw(sql, params)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % KEY_BYTES);
    for (let at = 0; at < whole; at += KEY_BYTES) {
      const a = bytes.readUInt32LE(at);
      const b = bytes.readUInt32LE(at + 4);
      const c = bytes.readUInt32LE(at + 8);
      const d = bytes.readUInt32LE(at + 12);
      if (a === END_WORD && b === END_WORD && c === END_WORD && d === END_WORD) into.endRecord();
      else into.identifier(a, b, c, d);
    }
    rest = bytes.subarray(whole);
  }
  if (rest.length === 0) return;
  throw new TallyError('a record has a part of a key', { code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
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
