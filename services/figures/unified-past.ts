/**
 * Unified people of an environment as they were when its records had been read up to some log positions: from the table
 * of all changes, the newest of each record that is not behind them.
 */
import { IdentityResolution } from '@tally/metering';
import type { ClickHouse, Params } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { UnificationRules } from './unification-rules.ts';
import { joiningKeys, readRecords, recordBytes } from './unified-records.ts';

export interface PastEnvironment {
  tenantId: string;
  environmentId: string;
  rules: UnificationRules;
  /** The highest log position of each partition that was read, 64 bits in decimal digits. */
  readUpTo: readonly string[];
}

export interface PastPeople {
  people: number;
  /** Live source records. */
  records: number;
  /** By the number of a record in the order of `pastRecords`: the log position of the first record of its person. */
  personOf: (record: number) => bigint;
}

export interface PastRecord {
  source: string;
  recordId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  position: bigint;
}

const WITHIN = `position <= transform(
  bitShiftRight(position, 40), {places:Array(UInt64)}, {lasts:Array(UInt64)}, toUInt64(0)
)`;

/** In the order of the table's key, so that ClickHouse aggregates record by record. */
const stateOf = (columns: string): string => `
  SELECT source, record_id, max(profile_changes.position) AS last, argMax((deleted, ${columns}), position) AS state
  FROM profile_changes
  WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String} AND ${WITHIN}
  GROUP BY source, record_id`;

const ORDER = 'ORDER BY source, record_id';
const IN_ORDER = 'SETTINGS optimize_aggregation_in_order = 1';
const KEYS = { keys: 'state.2', kinds: 'state.3' };

/** Memory is that of `unifiedPeople`, and 12 bytes a record. */
export async function pastPeople(clickhouse: ClickHouse, asked: PastEnvironment): Promise<PastPeople> {
  const resolution = new IdentityResolution();
  const positions = new PositionList();
  const { sql: keys, params } = joiningKeys(asked.rules.kinds, KEYS);
  const bytes = recordBytes({ keys, position: 'last', deleted: 'state.1' });
  const states = stateOf('identifier_keys, identifier_kinds');
  const sql = `SELECT ${bytes} FROM (${states}) WHERE state.1 = 0 ${ORDER} ${IN_ORDER}`;
  await readRecords(
    clickhouse,
    { sql, params: { ...paramsOf(asked), ...params } },
    {
      identifier: (a, b, c, d) => resolution.identifier(a, b, c, d),
      endRecord: (upper, lower) => {
        positions.push(upper, lower);
        resolution.endRecord();
      },
    },
  );
  const firsts = resolution.firstOfPersons(asked.rules.limit);
  let people = 0;
  for (let record = 0; record < firsts.length; record++) if (firsts[record] === record) people++;
  return { people, records: firsts.length, personOf: (record) => positions.at(firsts[record] ?? record) };
}

/**
 * The live records, in an order that never changes.
 * @param skip how many of the first are left out
 */
export async function* pastRecords(
  clickhouse: ClickHouse,
  { skip = 0, limit, ...asked }: PastEnvironment & { skip?: number; limit?: number },
): AsyncGenerator<PastRecord> {
  const slice = limit === undefined ? 'OFFSET {skip:UInt64}' : 'LIMIT {limit:UInt64} OFFSET {skip:UInt64}';
  const sql = `
    SELECT source, record_id, toString(state.2), toString(last)
    FROM (${stateOf('changed_at')})
    WHERE state.1 = 0
    ${ORDER} ${slice} ${IN_ORDER}`;
  const params = { ...paramsOf(asked), skip, limit };
  for await (const [source, recordId, changedAt, position] of clickhouse.stream<[string, string, string, string]>(
    sql,
    params,
  )) {
    yield { source, recordId, changedAt: Number(changedAt), position: BigInt(position) };
  }
}

/** The highest position of each partition that an environment's changes reach now. */
export async function changesUpTo(
  clickhouse: ClickHouse,
  { tenantId, environmentId }: { tenantId: string; environmentId: string },
): Promise<string[]> {
  const rows = await clickhouse.query<{ last: string }>(
    `SELECT max(position) AS last
     FROM profile_changes
     WHERE tenant_id = {tenantId:String} AND environment_id = {environmentId:String}
     GROUP BY bitShiftRight(position, 40)
     ORDER BY last`,
    { tenantId, environmentId },
  );
  return rows.map(({ last }) => last);
}

/** No partition of an epoch 0 is there; an empty list would have no type. */
const NOWHERE = 0n;
const OFFSET_BITS = 40n;

function paramsOf({ tenantId, environmentId, readUpTo }: Omit<PastEnvironment, 'rules'>): Params {
  const lasts = [NOWHERE, ...readUpTo.map(BigInt)];
  return { tenantId, environmentId, places: lasts.map((last) => last >> OFFSET_BITS), lasts };
}

const FIRST_LENGTH = 1_024;

/** Positions, 8 bytes each. */
class PositionList {
  #positions = new BigUint64Array(FIRST_LENGTH);
  #words = new Uint32Array(this.#positions.buffer);
  #length = 0;

  push(upper: number, lower: number): void {
    if (this.#length === this.#positions.length) this.#grow();
    this.#words[2 * this.#length] = lower;
    this.#words[2 * this.#length + 1] = upper;
    this.#length++;
  }

  at(index: number): bigint {
    const position = index < this.#length ? this.#positions[index] : undefined;
    if (position !== undefined) return position;
    throw new TallyError('there are more records than were read before', {
      code: 'CLICKHOUSE_ANSWER_CUT',
      retriable: true,
    });
  }

  #grow(): void {
    const longer = new BigUint64Array(2 * this.#positions.length);
    longer.set(this.#positions);
    this.#positions = longer;
    this.#words = new Uint32Array(longer.buffer);
  }
}
