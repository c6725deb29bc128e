/**
 * Answers that need not be worked out again. One is given again only while every table that was read for it holds what it
 * held, or, in tables that the log fills, what it held of the tenant, and it is the same day: then working it out would
 * give the same figures.
 *
 * 1. Before anything is read for a request, the versions of all tables are looked up, later than the request came, and
 *    after them what the log says of the tenant (see log-versions.ts).
 * 2. A kept answer whose tables have these versions is given, as is one that is being worked out on them.
 * 3. Otherwise it is worked out, and kept under the versions of step 1. Whatever is written from then on changes a version,
 *    so what was read beside it is never given to anybody who asks later.
 *
 * At most a few are worked out at a time, first come first served: all of them at once would each take as long as all.
 */
import { type TableVersions, tracked, type Versions } from '@tally/platform/clickhouse';
import { Problem } from '@tally/platform/http';
import { KeptRows } from './kept-rows.ts';
import { type LogVersions, TENANT_LOG_TABLES } from './log-versions.ts';

export interface Kept<Answer> {
  answer: Answer;
  /** Until when, milliseconds since 1970-01-01 UTC; absent: for as long as the tables are the same. */
  until?: number | undefined;
}

export interface KeptOptions {
  versions: TableVersions;
  logVersions: Pick<LogVersions, 'of'>;
  clock: () => number;
  /** Worked out at a time. */
  atOnceMax: number;
  /** Waiting for that; further ones are refused. */
  waitingMax: number;
  /** Of what is kept, as JSON. */
  bytesMax: number;
}

export interface Question {
  /** All that the answer depends on beside tables. */
  question: string;
  /** Whose rows alone are read of tables that the log fills; undefined: of several. */
  tenantId?: string | undefined;
}

type Read = Pick<Versions, 'byTable' | 'whole'>;

interface Entry {
  answer: object;
  /** Versions of the tables that it was made from. */
  madeFrom: ReadonlyMap<string, string>;
  until: number;
  bytes: number;
}

const RETRY_AFTER_SECONDS = 2;

export class KeptAnswers {
  readonly #options: KeptOptions;
  readonly #turns: Turns;
  readonly #rows = new KeptRows();
  /** Least recently given first. */
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<object>>();
  #bytes = 0;

  constructor(options: KeptOptions) {
    this.#options = options;
    this.#turns = new Turns(options);
  }

  /**
   * The answer to a question, kept or worked out. Throws a 503 Problem when too many wait already.
   */
  async of({ question, tenantId }: Question, work: () => Promise<Kept<object>>): Promise<object> {
    const versions = await this.#versions(tenantId);
    const kept = this.#find(question, versions);
    if (kept) return kept;
    const sameAs = `${question}\n${versions.whole}`;
    const underWay = this.#underWay.get(sameAs);
    if (underWay) return underWay;
    const working = this.#turns.take(() => this.#work(question, versions, work));
    this.#underWay.set(sameAs, working);
    return working.finally(() => this.#underWay.delete(sameAs));
  }

  async #versions(tenantId: string | undefined): Promise<Read> {
    const versions = await this.#options.versions.now();
    if (tenantId === undefined) return versions;
    const log = await this.#options.logVersions.of(tenantId, versions.byTable.get('activity') ?? '');
    return log === undefined ? versions : ofTenant(versions, log);
  }

  async #work(question: string, versions: Read, work: () => Promise<Kept<object>>): Promise<object> {
    const { result, words } = await tracked(work, this.#rows.under(versions));
    if (words) this.#keep(question, result, madeFrom(words, versions));
    return result.answer;
  }

  #find(question: string, { byTable }: Read): object | undefined {
    const entry = this.#entries.get(question);
    if (!entry) return undefined;
    const isSame = [...entry.madeFrom].every(([table, version]) => byTable.get(table) === version);
    this.#drop(question, entry);
    if (!isSame || entry.until <= this.#options.clock()) return undefined;
    this.#add(question, entry);
    return entry.answer;
  }

  #keep(question: string, { answer, until = Number.POSITIVE_INFINITY }: Kept<object>, made: Entry['madeFrom']): void {
    const before = this.#entries.get(question);
    if (before) this.#drop(question, before);
    const bytes = question.length + JSON.stringify(answer).length;
    if (bytes > this.#options.bytesMax) return;
    this.#add(question, { answer, madeFrom: made, until, bytes });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#options.bytesMax) break;
      this.#drop(oldest, entry);
    }
  }

  #add(question: string, entry: Entry): void {
    this.#entries.set(question, entry);
    this.#bytes += entry.bytes;
  }

  #drop(question: string, entry: Entry): void {
    this.#entries.delete(question);
    this.#bytes -= entry.bytes;
  }
}

/** Rows of others may be added to tables that the log fills. */
function ofTenant({ byTable, unlessAdded }: Versions, log: string): Read {
  const versions = new Map(byTable);
  for (const table of TENANT_LOG_TABLES) versions.set(table, `${unlessAdded.get(table)} of the tenant ${log}`);
  return { byTable: versions, whole: [...versions].join('\n') };
}

function madeFrom(words: ReadonlySet<string>, { byTable }: Read): ReadonlyMap<string, string> {
  return new Map([...byTable].filter(([table]) => words.has(table)));
}

/** So many at a time, the others one after the other as they came. */
class Turns {
  readonly #options: { atOnceMax: number; waitingMax: number };
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(options: { atOnceMax: number; waitingMax: number }) {
    this.#options = options;
  }

  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#taken >= this.#options.atOnceMax) {
      if (this.#waiting.length >= this.#options.waitingMax) throw busy();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#taken += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken -= 1;
    }
  }
}

function busy(): Problem {
  return new Problem({
    status: 503,
    code: 'busy',
    title: 'Too many ask at once',
    detail: 'Tally has more questions than it can answer; ask again in a moment',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}
