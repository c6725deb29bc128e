/**
 * Why a record belongs to the profile it belongs to: from the record to those that share an identifier with it, from them
 * on, and so forth, until nobody new is met. Each record met is kept with the identifier and the record that led to it:
 * a tree that spans the profile.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { UnificationRules } from './unification-rules.ts';
import { type SharedIdentifier, shortForm } from './unified.ts';

export interface SourceRecord {
  source: string;
  recordId: string;
}

export interface Explanation {
  /** The profile's records, the asked one first; each other one with what led to it. */
  records: (SourceRecord & { joinedBy: { kind: string; identifier: string; to: SourceRecord } | null })[];
  /** Identifiers that hold them together: they join, and at least two live records have them. */
  identifiers: SharedIdentifier[];
  /** Identifiers of these records that other records have too, and that join nobody nevertheless. */
  notJoining: (SharedIdentifier & { because: 'limit' | 'kind' })[];
  rules: UnificationRules;
  /** Null when this is the whole profile; else which limit cut it short. */
  cut: 'records' | 'time' | null;
}

/** Records in one explanation. */
export const EXPLAINED_RECORDS_MAX = 1_000;
/** Every step reads the environment's keys, so a long chain in a large environment takes long. */
const EXPLAIN_MS_MAX = 20_000;
/** Of one step; they stand in the request's address. */
const KEYS_PER_STEP_MAX = 2_000;

interface Met extends SourceRecord {
  joinedBy: Explanation['records'][number]['joinedBy'];
  keys: { key: bigint; kind: string }[];
}

type Environment = { tenantId: string; environmentId: string };

/** The profile of a record, or undefined where there is no such record, or it is deleted. */
export async function explainUnified(
  clickhouse: ClickHouse,
  { record, rules, ...environment }: Environment & { record: SourceRecord; rules: UnificationRules },
): Promise<Explanation | undefined> {
  const [first] = await readRecords(clickhouse, environment, RECORD, { ...record, limit: 1 });
  if (!first) return undefined;
  const search = new Search(rules, first);
  const deadline = performance.now() + EXPLAIN_MS_MAX;
  for (let keys = search.nextKeys(); keys.length > 0; keys = search.nextKeys()) {
    if (performance.now() > deadline) return search.told('time');
    const joining = search.judge(await countHolders(clickhouse, environment, keys));
    if (joining.length === 0) continue;
    // One more than is told, to know whether there are more; those that were met before come again.
    const limit = EXPLAINED_RECORDS_MAX + 1;
    const holders = await readRecords(clickhouse, environment, HOLDERS, { keys: joining, limit });
    for (const holder of holders) if (!search.meet(holder, new Set(joining))) return search.told('records');
  }
  return search.told(null);
}

/** What has been met so far, and which keys lead on. */
class Search {
  readonly #rules: UnificationRules;
  readonly #met = new Map<string, Met>();
  /** Whose keys they are: the first record met that has them. */
  readonly #owners = new Map<bigint, { kind: string; owner: Met }>();
  readonly #waiting: bigint[] = [];
  readonly #identifiers: SharedIdentifier[] = [];
  readonly #notJoining: Explanation['notJoining'] = [];

  constructor(rules: UnificationRules, first: Met) {
    this.#rules = rules;
    this.#add(first);
  }

  nextKeys(): bigint[] {
    return this.#waiting.splice(0, KEYS_PER_STEP_MAX);
  }

  /** Notes which keys join and which do not; returns those that lead on. */
  judge(holders: ReadonlyMap<bigint, number>): bigint[] {
    const joining: bigint[] = [];
    for (const [key, records] of holders) {
      if (records < 2) continue;
      const { kinds, limit } = this.#rules;
      const kind = this.#owners.get(key)?.kind ?? '';
      const shared = { kind, identifier: shortForm(key), records };
      if (kinds !== null && !kinds.includes(kind)) this.#notJoining.push({ ...shared, because: 'kind' });
      else if (records > limit) this.#notJoining.push({ ...shared, because: 'limit' });
      else {
        this.#identifiers.push(shared);
        joining.push(key);
      }
    }
    return joining;
  }

  /** Whether there was room for a record that one of the keys led to. */
  meet(record: Met, through: ReadonlySet<bigint>): boolean {
    if (this.#met.has(nameOf(record))) return true;
    if (this.#met.size === EXPLAINED_RECORDS_MAX) return false;
    const by = record.keys.find(({ key }) => through.has(key));
    const to = by && this.#owners.get(by.key);
    if (to) record.joinedBy = { kind: to.kind, identifier: shortForm(by.key), to: placeOf(to.owner) };
    this.#add(record);
    return true;
  }

  told(cut: Explanation['cut']): Explanation {
    const records = [...this.#met.values()].map((record) => ({ ...placeOf(record), joinedBy: record.joinedBy }));
    return { records, identifiers: this.#identifiers, notJoining: this.#notJoining, rules: this.#rules, cut };
  }

  #add(record: Met): void {
    this.#met.set(nameOf(record), record);
    for (const { key, kind } of record.keys) {
      if (this.#owners.has(key)) continue;
      this.#owners.set(key, { kind, owner: record });
      this.#waiting.push(key);
    }
  }
}

const IN_ENVIRONMENT = 'tenant_id = {tenantId:String} AND environment_id = {environmentId:String}';

const RECORD = 'source = {source:String} AND record_id = {recordId:String}';
/** Records that have one of the keys now, or had one: the newest states are looked at then. */
const HOLDERS = `(source, record_id) IN
  (
    SELECT source, record_id
    FROM profile_records
    WHERE ${IN_ENVIRONMENT} AND hasAny(identifier_keys, {keys:Array(UInt128)})
  )`;

const liveRecords = (which: string): string => `
  SELECT
    source, record_id, argMax(identifier_keys, position) AS keys, argMax(identifier_kinds, position) AS kinds
  FROM profile_records
  WHERE ${IN_ENVIRONMENT} AND ${which}
  GROUP BY source, record_id
  HAVING argMax(deleted, position) = 0`;

async function readRecords(
  clickhouse: ClickHouse,
  environment: Environment,
  which: string,
  params: { limit: number; keys?: bigint[]; source?: string; recordId?: string },
): Promise<Met[]> {
  const isHolder = which === HOLDERS ? ' AND hasAny(keys, {keys:Array(UInt128)})' : '';
  const rows = await clickhouse.query<{ source: string; record_id: string; keys: string[]; kinds: string[] }>(
    `SELECT source, record_id, arrayMap(key -> toString(key), keys) AS keys, kinds
     FROM (${liveRecords(which)}${isHolder} ORDER BY source, record_id LIMIT {limit:UInt32})`,
    { ...environment, ...params },
  );
  return rows.map(({ source, record_id, keys, kinds }) => ({
    source,
    recordId: record_id,
    joinedBy: null,
    keys: keys.map((key, index) => ({ key: BigInt(key), kind: kinds[index] ?? '' })),
  }));
}

/** How many live records have each key. */
async function countHolders(
  clickhouse: ClickHouse,
  environment: Environment,
  keys: bigint[],
): Promise<Map<bigint, number>> {
  const rows = await clickhouse.query<{ held: string; records: string }>(
    `SELECT toString(key) AS held, count() AS records
     FROM (${liveRecords(HOLDERS)})
     ARRAY JOIN arrayIntersect(keys, {keys:Array(UInt128)}) AS key
     GROUP BY key
     ORDER BY key`,
    { ...environment, keys },
  );
  return new Map(rows.map(({ held, records }) => [BigInt(held), Number(records)]));
}

function nameOf({ source, recordId }: SourceRecord): string {
  return JSON.stringify([source, recordId]);
}

function placeOf({ source, recordId }: SourceRecord): SourceRecord {
  return { source, recordId };
}
