/**
 * Rows of queries that need not be asked again, by the rule of kept answers: while every table that a query names holds
 * what it held. The calls of a tenant's page ask for the same licences, policies and published days.
 */
import type { SharedRows } from '@tally/platform/clickhouse';

/**
 * What is proved by the order in which it is read (see figures/standing.ts) is read by each for himself: rows of another
 * may be from before what he has read already.
 */
const NOT_SHARED: ReadonlySet<string> = new Set(['aggregator_runs', 'snapshots']);

/** Queries of which the rows are kept; the least recently asked go first. */
const QUERIES_MAX = 2_000;
/** Longer answers are not kept: licences, policies and a month of days are what several calls ask for. */
const ROWS_MAX = 200;

interface Entry {
  madeFrom: string;
  rows: Promise<object[]>;
}

export class KeptRows {
  /** Least recently asked first. */
  readonly #entries = new Map<string, Entry>();

  /** For one who has looked up these versions, by table, after he was asked and before he asks. */
  under({ byTable }: { byTable: ReadonlyMap<string, string> }): SharedRows {
    return {
      of: async <Row>(query: string, words: ReadonlySet<string>, ask: () => Promise<Row[]>): Promise<Row[]> => {
        const tables = [...words].filter((word) => byTable.has(word)).sort();
        if (tables.length === 0 || tables.some((table) => NOT_SHARED.has(table))) return ask();
        const madeFrom = tables.map((table) => byTable.get(table)).join('\n');
        const rows = (this.#find(query, madeFrom) ?? this.#keep(query, madeFrom, ask)) as Promise<Row[]>;
        // Copies: whoever is given them may change his.
        return (await rows).map((row) => ({ ...row }));
      },
    };
  }

  #find(query: string, madeFrom: string): Promise<object[]> | undefined {
    const entry = this.#entries.get(query);
    if (entry?.madeFrom !== madeFrom) return undefined;
    this.#entries.delete(query);
    this.#entries.set(query, entry);
    return entry.rows;
  }

  #keep(query: string, madeFrom: string, ask: () => Promise<unknown[]>): Promise<object[]> {
    const rows = ask() as Promise<object[]>;
    const entry = { madeFrom, rows };
    this.#entries.set(query, entry);
    const forget = (): void => {
      if (this.#entries.get(query) === entry) this.#entries.delete(query);
    };
    rows.then((all) => all.length > ROWS_MAX && forget(), forget);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= QUERIES_MAX) break;
      this.#entries.delete(oldest);
    }
    return rows;
  }
}
