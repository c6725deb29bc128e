/**
 * The one place that talks to ClickHouse. Every request has the settings of settings.ts.
 */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { TallyError } from '../errors.ts';
import { failed } from '../tracing.ts';
import { clickhouseError } from './client-error.ts';
import { type ClickHouseMetrics, type Operation, spanOf } from './metrics.ts';
import { post } from './post.ts';
import { inTurn } from './quorum.ts';
import { SETTINGS } from './settings.ts';
import { checkShards, READ_IN_SEQUENCE, REPLICATED_SETTINGS, shardDatabase } from './shards.ts';

export interface ClickHouseOptions {
  /** `http://host:port` or `https://host:port`. */
  url: string;
  database: string;
  username?: string;
  password?: string;
  /** Who may have signed the certificate of an `https` address, PEM. Default: those that Node trusts. */
  ca?: string;
  /** How long a request may take, milliseconds. Default 300,000. */
  requestTimeoutMs?: number;
  metrics?: ClickHouseMetrics | undefined;
  /** Addresses of a cluster's shards in their order, `url` the first. Absent, or one alone: no cluster. */
  shards?: readonly string[];
  /** What the servers' `<remote_servers>` calls the cluster of all shards; for making its tables. */
  cluster?: string;
  /** The cluster's tables are replicated. */
  replicated?: boolean;
  /**
   * Addresses of all servers beside `shards`, in any order; for making tables on each. Absent: statements are said once,
   * `ON CLUSTER`, which needs the servers' queue for such statements.
   */
  replicas?: readonly string[];
}

/** Values for `{name:Type}` in a statement. */
export type Params = Record<string, unknown>;

/** Sent with every answer; what it says is final, since answers come when the query has ended. */
const SUMMARY_HEADER = 'x-clickhouse-summary';

/** Written behind the last row, and only when the query has succeeded. */
const END_OF_ANSWER = 'tally:end-of-answer';

export class ClickHouse {
  readonly database: string;
  readonly #options: ClickHouseOptions;
  readonly #client: ClickHouseClient;
  readonly #shards: readonly ClickHouse[];
  #checked: Promise<void> | undefined;

  constructor(options: ClickHouseOptions) {
    this.#options = options;
    this.database = options.database;
    this.#client = createClient({
      url: options.url,
      database: options.database,
      username: options.username ?? 'default',
      password: options.password ?? '',
      ...(options.ca ? { tls: { ca_cert: Buffer.from(options.ca) } } : {}),
      request_timeout: options.requestTimeoutMs ?? 300_000,
      max_open_connections: 8,
      clickhouse_settings: { ...SETTINGS, ...(options.replicated ? REPLICATED_SETTINGS : {}) },
      // Every failure is thrown; the library's own lines would say it a second time, in another form.
      log: { level: ClickHouseLogLevel.OFF },
    });
    const { shards = [], ...same } = options;
    this.#shards =
      shards.length < 2
        ? []
        : shards.map((url) => new ClickHouse({ ...same, url, database: shardDatabase(options.database) }));
  }

  /** `http://host:port` of the server, without anything secret. */
  get address(): string {
    return new URL(this.#options.url).origin;
  }

  /** Whether the tables that the log fills are spread over several servers. */
  get isCluster(): boolean {
    return this.#shards.length > 0;
  }

  /** Whether other servers hold copies, which may be behind. */
  get isReplicated(): boolean {
    return this.#options.replicated === true;
  }

  /** The databases that hold what the log fills, in the order of the shards; of one server, this one. */
  get shards(): readonly ClickHouse[] {
    return this.isCluster ? this.#shards : [this];
  }

  /** The database that holds what a partition of the log fills. */
  shardOf(partition: number): ClickHouse {
    return this.shards[partition % this.shards.length] ?? this;
  }

  /**
   * The rows that each shard has for a query, one shard's after another's: worked out side by side, each from the shard's
   * own tables. For queries of nothing but tables that the log fills, whose rows add up. A shard that is away is an
   * error; so are shards that are not those on record, `SHARDS_DIFFER`.
   */
  async queryShards<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    if (!this.isCluster) return this.query<Row>(sql, params);
    await this.checkedShards();
    const rows = await Promise.all(this.#shards.map((shard) => shard.query<Row>(sql, params)));
    return rows.flat();
  }

  /** Resolves when the shards were found to be those on record, which is asked once. Throws `SHARDS_DIFFER`. */
  checkedShards(): Promise<void> {
    this.#checked ??= checkShards(this).catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    return this.#checked;
  }

  /** The rows of a query; 64-bit numbers are strings. */
  async query<Row>(sql: string, params: Params = {}): Promise<Row[]> {
    return this.#ask('query', async () => {
      const answer = await this.#client.query({ query: sql, query_params: params, format: 'JSONEachRow' });
      const rows = await answer.json<Row>();
      checkWhole(answer.response_headers[SUMMARY_HEADER], rows.length);
      return rows;
    });
  }

  /** The first row of a query that has exactly one. */
  async queryOne<Row>(sql: string, params: Params = {}): Promise<Row> {
    const [row] = await this.query<Row>(sql, params);
    if (row === undefined) throw new TallyError('the query has no row', { code: 'NO_ROW', retriable: false });
    return row;
  }

  /** The rows of a query as they come, for answers that must not be held in memory at once. */
  async *stream<Row extends unknown[]>(sql: string, params: Params = {}): AsyncGenerator<Row> {
    const answer = await this.#ask('stream', () =>
      this.#client.query({
        query: sql,
        query_params: params,
        format: 'JSONCompactEachRow',
        clickhouse_settings: { wait_end_of_query: 0 },
      }),
    );
    try {
      for await (const rows of answer.stream()) for (const row of rows) yield row.json<Row>();
    } catch (cause) {
      throw clickhouseError(cause);
    }
  }

  /**
   * The bytes of a query's only column, of type String, as they come, row after row with nothing in between. Throws
   * `CLICKHOUSE_ANSWER_CUT`, retriable, unless the answer ends as ClickHouse ends one that is whole: RowBinary would
   * have no such end, and an error in the middle could pass for fewer rows.
   */
  async *streamRaw(sql: string, params: Params = {}): AsyncGenerator<Buffer> {
    const { stream } = await this.#ask('stream', () =>
      this.#client.exec({
        query: `${sql} FORMAT CustomSeparated`,
        query_params: params,
        clickhouse_settings: {
          wait_end_of_query: 0,
          format_custom_escaping_rule: 'Raw',
          format_custom_row_after_delimiter: '',
          format_custom_result_after_delimiter: END_OF_ANSWER,
        },
      }),
    );
    // Kept back until more comes, since the end mark may be in parts.
    let last: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of stream) {
        const bytes = Buffer.concat([last, chunk as Buffer]);
        const ready = Math.max(bytes.length - END_OF_ANSWER.length, 0);
        if (ready > 0) yield bytes.subarray(0, ready);
        last = bytes.subarray(ready);
      }
    } catch (cause) {
      throw cause instanceof TallyError ? cause : clickhouseError(cause);
    } finally {
      stream.destroy();
    }
    if (last.toString('latin1') === END_OF_ANSWER) return;
    throw new TallyError('ClickHouse ended its answer in the middle', {
      code: 'CLICKHOUSE_ANSWER_CUT',
      retriable: true,
    });
  }

  /**
   * The bytes of a query's answer in one of ClickHouse's formats, as they come. Nothing here tells a whole answer from one
   * that was cut short: that is up to the format's own end and to the caller.
   */
  async *streamFormat(sql: string, format: 'Parquet', params: Params = {}): AsyncGenerator<Buffer> {
    const { stream } = await this.#ask('stream', () =>
      this.#client.exec({
        query: `${sql} FORMAT ${format}`,
        query_params: params,
        clickhouse_settings: { wait_end_of_query: 0 },
      }),
    );
    try {
      for await (const chunk of stream) yield chunk as Buffer;
    } catch (cause) {
      throw cause instanceof TallyError ? cause : clickhouseError(cause);
    } finally {
      stream.destroy();
    }
  }

  /** A statement without an answer. */
  async command(sql: string, params: Params = {}): Promise<void> {
    await this.#ask('command', () => this.#client.command({ query: sql, query_params: params }));
  }

  /** Inserts rows given as objects. */
  async insert(table: string, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#insert(() => this.#client.insert({ table, values: [...rows], format: 'JSONEachRow' }));
  }

  /**
   * Inserts rows that are already encoded as RowBinary. Resolves when they are on disk, in every view.
   * @param halfway for tests: awaited when half of the body is sent
   */
  async insertRowBinary(
    table: string,
    columns: readonly string[],
    rows: Buffer,
    halfway?: () => Promise<void>,
  ): Promise<void> {
    await this.#insert(async () => {
      const { stream } = await this.#client.exec({
        query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT RowBinary`,
        values: Readable.from(halfway ? inHalves(rows, halfway) : [rows], { objectMode: false }),
      });
      await finished(stream.resume());
    });
  }

  /**
   * Inserts a block in Native format. Resolves when its rows are on disk, in every view.
   * @param halfway for tests: awaited when half of the body is sent
   */
  async insertNative(table: string, block: readonly Uint8Array[], halfway?: () => Promise<void>): Promise<void> {
    await this.#insert(async () => {
      const pieces = halfway ? inHalves(Buffer.concat(block), halfway) : block;
      const { stream } = await this.#client.exec({
        query: `INSERT INTO ${table} FORMAT Native`,
        values: Readable.from(pieces, { objectMode: false }),
      });
      await finished(stream.resume());
    });
  }

  /**
   * Runs a query that joins a table sent along with it, and returns the answer's bytes, whole rows of `rowBytes` each.
   * The client library has no external tables, so this is a request of its own.
   */
  async queryWithTable(
    sql: string,
    table: { name: string; structure: string; rowBinary: Buffer },
    rowBytes: number,
  ): Promise<Buffer> {
    const {
      url,
      database,
      username = 'default',
      password = '',
      ca,
      requestTimeoutMs = 300_000,
      replicated,
    } = this.#options;
    const target = new URL(url);
    const search = {
      database,
      query: sql,
      [`${table.name}_structure`]: table.structure,
      [`${table.name}_format`]: 'RowBinary',
      wait_end_of_query: '1',
      ...(replicated ? READ_IN_SEQUENCE : {}),
    };
    target.search = new URLSearchParams(search).toString();
    const form = new FormData();
    form.append(table.name, new Blob([new Uint8Array(table.rowBinary)]));
    return this.#ask('query', async () => {
      const { status, header, bytes } = await post(target, {
        form,
        headers: { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password },
        ca,
        timeoutMs: requestTimeoutMs,
      });
      if (status === 200) {
        checkWhole(header(SUMMARY_HEADER), bytes.length / rowBytes);
        return bytes;
      }
      const code = header('x-clickhouse-exception-code') ?? '';
      throw new ClickHouseError({ code, type: 'EXCEPTION', message: bytes.toString('utf8').slice(0, 500) });
    });
  }

  /** Throws when the server does not answer. */
  async ping(): Promise<void> {
    await this.query('SELECT 1');
  }

  async close(): Promise<void> {
    for (const shard of this.#shards) await shard.close();
    await this.#client.close();
  }

  #insert<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const insert = (): Promise<Answer> => this.#ask('insert', call);
    return this.isReplicated ? inTurn(insert) : insert();
  }

  async #ask<Answer>(operation: Operation, call: () => Promise<Answer>): Promise<Answer> {
    const { metrics } = this.#options;
    const span = spanOf(operation, this.database);
    const began = performance.now();
    const ended = (error?: unknown): void => {
      metrics?.ended(operation, (performance.now() - began) / 1_000, error);
      if (span && error !== undefined) failed(span, error);
      span?.end();
    };
    try {
      const answer = await call();
      ended();
      return answer;
    } catch (cause) {
      const error = cause instanceof TallyError ? cause : clickhouseError(cause);
      ended(error);
      throw error;
    }
  }
}

/**
 * An answer is kept on the server's disk until the query has ended. When that disk is full, ClickHouse answers 200 with
 * what was kept, which may be nothing; only the rows that it says it found tell. An index that seems empty would let
 * every repetition count.
 */
function checkWhole(summary: string | string[] | null | undefined, rows: number): void {
  const { result_rows: found } = JSON.parse(String(summary ?? '{}')) as { result_rows?: string };
  if (Number(found) === rows) return;
  throw new TallyError(`ClickHouse found ${found ?? 'it does not say how many'} row(s) and answered ${rows}`, {
    code: 'CLICKHOUSE_ANSWER_CUT',
    retriable: true,
  });
}

async function* inHalves(rows: Buffer, halfway: () => Promise<void>): AsyncGenerator<Buffer> {
  const middle = Math.floor(rows.length / 2);
  yield rows.subarray(0, middle);
  await halfway();
  yield rows.subarray(middle);
}

/** A moment as an inserted object's DateTime64(3) column takes it. */
export function dateTime64(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('T', ' ').slice(0, 23);
}
