/**
 * Notes which tables are asked while something is worked out, however deep in it: what the result depends on. The same
 * query is asked once for several of them while those tables hold what they held.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ClickHouse, type Params } from './client.ts';

interface Notes {
  words: Set<string>;
  rows: SharedRows | undefined;
  /** An answer that hangs on more than what is in tables. */
  isElusive: boolean;
}

const notes = new AsyncLocalStorage<Notes>();
const WORD = /[a-z_][a-z0-9_]*/g;
const ELUSIVE = /\b(?:now|now64|today|yesterday|rand\w*|generateUUIDv\d|dict\w+|remote|url|file|s3)\s*\(|\bsystem\./;

/**
 * Works something out and says by which words its queries may have named tables; null where what they answered hangs on
 * the time, on chance or on anything else that is in no table.
 */
export async function tracked<Result>(
  work: () => Promise<Result>,
  rows?: SharedRows,
): Promise<{ result: Result; words: ReadonlySet<string> | null }> {
  const own: Notes = { words: new Set(), rows, isElusive: false };
  const result = await notes.run(own, work);
  return { result, words: own.isElusive ? null : own.words };
}

/** Where a query's rows may be had from another who asked the same. */
export interface SharedRows {
  /** @param words of the query, among them the tables it names */
  of<Row>(query: string, words: ReadonlySet<string>, ask: () => Promise<Row[]>): Promise<Row[]>;
}

/** A client whose queries are noted; whoever tracks must use no other. */
export class TrackedClickHouse extends ClickHouse {
  override query<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    return this.#noted(sql, params, () => super.query<Row>(sql, params));
  }

  override queryShards<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    // Of one server, this is the query above.
    if (!this.isCluster) return super.queryShards<Row>(sql, params);
    return this.#noted(sql, params, () => super.queryShards<Row>(sql, params), 'of every shard\n');
  }

  #noted<Row>(sql: string, params: Params, ask: () => Promise<Row[]>, prefix = ''): Promise<Row[]> {
    const own = notes.getStore();
    if (!own) return ask();
    const words = new Set([...sql.matchAll(WORD)].map(([word]) => word));
    for (const word of words) own.words.add(word);
    const isElusive = ELUSIVE.test(sql);
    own.isElusive ||= isElusive;
    if (!own.rows || isElusive) return ask();
    return own.rows.of(`${prefix}${sql}\n${textOf(params)}`, words, ask);
  }

  override stream<Row extends unknown[]>(sql: string, params: Params = {}): AsyncGenerator<Row> {
    elude();
    return super.stream<Row>(sql, params);
  }

  override streamRaw(sql: string, params: Params = {}): AsyncGenerator<Buffer> {
    elude();
    return super.streamRaw(sql, params);
  }

  override queryWithTable(...asked: Parameters<ClickHouse['queryWithTable']>): Promise<Buffer> {
    elude();
    return super.queryWithTable(...asked);
  }
}

/** JSON knows no 64 bits. */
function textOf(params: Params): string {
  return JSON.stringify(params, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function elude(): void {
  const own = notes.getStore();
  if (own) own.isElusive = true;
}
