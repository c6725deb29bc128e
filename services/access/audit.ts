/**
 * Who changed what, who read a statement, and who logged in or tried to. A row is on disk before it is done, so nothing is done that is not on
 * record; a second row has the status of the answer.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import type { FastifyRequest } from '@tally/platform/http';
import type { Logger } from '@tally/platform/log';
import { type Caller, tenantsOf } from './roles.ts';

const PATH_CHARS_MAX = 500;

export interface AuditRecord {
  /** Milliseconds UTC. */
  at: number;
  /** Of the record; no two have the same. */
  id: string;
  /** As the answer and the log have it: its sender may have chosen it. */
  requestId: string;
  method: string;
  /** As the api declares it. */
  route: string;
  path: string;
  /** Empty where a request names none. */
  tenantId: string;
  who: string;
  keyId: string;
  role: string;
  via: string;
  /** Where a log-in came from; empty for all else. */
  address: string;
  /** 0: the service ended before it answered, or is about to answer. */
  status: number;
}

export interface AuditAsked {
  /** Records of others are left out. */
  scope: Caller['scope'];
  tenantId?: string | undefined;
  /** Milliseconds UTC, half-open. */
  from: number;
  to: number;
  limit: number;
  /** The `next` of the page before. */
  after?: string | undefined;
}

interface What {
  /** Of a log-in that is refused: nothing of it but the means is sure. */
  caller: Pick<Caller, 'name' | 'keyId' | 'via'> & { role: Caller['role'] | '' };
  tenantId: string;
  /** Of a log-in. */
  address?: string;
}

interface Begun {
  id: string;
  at: number;
}

const RECORDS = `
  SELECT
    toUnixTimestamp64Milli(at) AS moment, request_id AS record, any(answered_id) AS answered, any(method) AS asked, any(route) AS declared, any(path) AS asked_path,
    any(tenant_id) AS tenant, any(who) AS caller, any(key_id) AS key, any(role) AS as_role, any(via) AS by_means, any(address) AS came_from,
    max(status) AS answer
  FROM audit
  WHERE at >= fromUnixTimestamp64Milli({from:Int64}) AND at < fromUnixTimestamp64Milli({to:Int64})
    AND ({all:Bool} OR tenant_id IN {tenants:Array(String)})
    AND ({tenantId:String} = '' OR tenant_id = {tenantId:String})
    AND (toUnixTimestamp64Milli(at), request_id) < ({lastAt:Int64}, {lastId:String})
  GROUP BY at, request_id
  ORDER BY at DESC, request_id DESC
  LIMIT {limit:UInt32}`;

interface Row {
  moment: string;
  record: string;
  answered: string;
  asked: string;
  declared: string;
  asked_path: string;
  tenant: string;
  caller: string;
  key: string;
  as_role: string;
  by_means: string;
  came_from: string;
  answer: number;
}

/** After every record there can be. */
const END = { lastAt: Number.MAX_SAFE_INTEGER, lastId: '' };

export class AuditTrail {
  readonly #options: { clickhouse: ClickHouse; log: Logger; clock: () => number };
  readonly #begun = new WeakMap<FastifyRequest, Begun>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: { clickhouse: ClickHouse; log: Logger; clock: () => number }) {
    this.#options = options;
  }

  /** Resolves when it is on record. Throws ClickHouse's error, and then it must not be done. */
  async begin(request: FastifyRequest, what: What): Promise<void> {
    const begun = { id: randomUUID(), at: this.#options.clock() };
    await this.#write(request, { ...what, ...begun, status: 0 });
    this.#begun.set(request, begun);
  }

  /** Notes the status of the answer, and requests that were refused before they began; does not wait. */
  end(request: FastifyRequest, { status, ...what }: What & { status: number }): void {
    const begun = this.#begun.get(request) ?? { id: randomUUID(), at: this.#options.clock() };
    const writing = this.#write(request, { ...what, ...begun, status })
      .catch((err: unknown) => this.#options.log.warn({ err, reqId: request.id }, 'status not put on record'))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Newest first; `next` is null on the last page. */
  async list(asked: AuditAsked): Promise<{ records: AuditRecord[]; next: string | null }> {
    const { scope, tenantId = '', from, to, limit, after } = asked;
    const [, lastAt, lastId] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(after ?? '') ?? [];
    const rows = await this.#options.clickhouse.query<Row>(RECORDS, {
      from,
      to,
      tenantId,
      limit,
      all: scope === '*',
      tenants: tenantsOf(scope),
      ...(lastAt === undefined ? END : { lastAt: Number(lastAt), lastId }),
    });
    const records = rows.map(
      (row): AuditRecord => ({
        at: Number(row.moment),
        id: row.record,
        requestId: row.answered === '' ? row.record : row.answered,
        method: row.asked,
        route: row.declared,
        path: row.asked_path,
        tenantId: row.tenant,
        who: row.caller,
        keyId: row.key,
        role: row.as_role,
        via: row.by_means,
        address: row.came_from,
        status: row.answer,
      }),
    );
    const last = records.at(-1);
    return { records, next: last && records.length === limit ? `${last.at}.${last.id}` : null };
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(request: FastifyRequest, row: What & Begun & { status: number }): Promise<void> {
    const { caller, tenantId, id, at, address = '', status } = row;
    await this.#options.clickhouse.insert('audit', [
      {
        at: dateTime64(at),
        request_id: id,
        answered_id: request.id,
        method: request.method,
        route: request.routeOptions.url ?? '',
        path: (request.url.split('?', 1)[0] ?? '').slice(0, PATH_CHARS_MAX),
        tenant_id: tenantId,
        who: caller.name,
        key_id: caller.keyId,
        role: caller.role,
        via: caller.via,
        address,
        status,
      },
    ]);
  }
}
