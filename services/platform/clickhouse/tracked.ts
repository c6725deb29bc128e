/**
 * Notes which tables are asked while something is worked out, however deep in it: what the result depends on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ClickHouse, type Params } from './client.ts';

interface Notes {
  words: Set<string>;
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
): Promise<{ result: Result; words: ReadonlySet<string> | null }> {
  const own: Notes = { words: new Set(), isElusive: false };
  const result = await notes.run(own, work);
  return { result, words: own.isElusive ? null : own.words };
}

/** A client whose queries are noted; whoever tracks must use no other. */
export class TrackedClickHouse extends ClickHouse {
  override query<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    const own = notes.getStore();
    if (own) {
      for (const [word] of sql.matchAll(WORD)) own.words.add(word);
      own.isElusive ||= ELUSIVE.test(sql);
    }
    return super.query<Row>(sql, params);
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

function elude(): void {
  const own = notes.getStore();
  if (own) own.isElusive = true;
}
