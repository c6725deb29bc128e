/**
 * Asks the api, as any outsider would. Its answers are checked, so that a wrong address is told apart from a figure.
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConflictsAnswer,
  type CurveAnswer,
  conflictsAnswer,
  curveAnswer,
  type EngagedAnswer,
  type EnvironmentsAnswer,
  type EvidenceQuery,
  type ExplanationAnswer,
  engagedAnswer,
  environmentsAnswer,
  explanationAnswer,
  faultsAnswer,
  type InteractionsAnswer,
  interactionsAnswer,
  type LedgerAnswer,
  type LicencesAnswer,
  ledgerAnswer,
  licencesAnswer,
  type PoliciesAnswer,
  type PolicyStartAnswer,
  type PublishedAnswer,
  policiesAnswer,
  publishedAnswer,
  type QuotaAnswer,
  quotaAnswer,
  type RunsAnswer,
  runsAnswer,
  type StatementExplanation,
  type StatementsAnswer,
  statementExplanation,
  statementsAnswer,
  type TrueUpAnswer,
  tenantsAnswer,
  trueUpAnswer,
  type UnificationRulesAnswer,
  type UnifiedAnswer,
  type UnifiedHistoryAnswer,
  unificationRulesAnswer,
  unifiedAnswer,
  unifiedHistoryAnswer,
  type VerificationAnswer,
  verificationAnswer,
} from '@tally/contract';
import { messageOf, TallyError } from '@tally/platform/errors';
import { type Statement, statementDocument } from '@tally/statements/document';
import { z } from 'zod';
import { runningInstance } from './instance.ts';
import { LinesRefused, type ListChange } from './list-change.ts';

export interface ApiAddress {
  data: string;
  api?: string;
  key?: string;
}

/** A request. */
export interface Asked {
  method: string;
  query?: Record<string, string | undefined>;
  body?: object;
}

/** Times that a call is sent when the api asks to come again later. */
const ASKED_MAX = 3;
const WAIT_SECONDS_MAX = 60;

export class ApiClient {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** The api that the options name, or that of the instance on the data directory. */
  static of({ data, api, key }: ApiAddress): ApiClient {
    if (api !== undefined && key !== undefined) return new ApiClient(api, key);
    const instance = runningInstance(resolve(data));
    return new ApiClient(api ?? instance.api, key ?? instance.adminKey);
  }

  async tenants(): Promise<string[]> {
    const { tenants } = await this.#get('/v1/tenants', {}, tenantsAnswer);
    return tenants.map(({ tenantId }) => tenantId);
  }

  interactions(tenantId: string, query: { from?: string; to?: string; policy?: string }): Promise<InteractionsAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/interactions`, query, interactionsAnswer);
  }

  engaged(tenantId: string, query: { asOf?: string; policy?: string }): Promise<EngagedAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/engaged`, query, engagedAnswer);
  }

  unified(tenantId: string): Promise<UnifiedAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/unified`, {}, unifiedAnswer);
  }

  /** Engaged people on every day, both ends included. */
  engagedCurve(tenantId: string, query: { from?: string; to?: string; policy?: string }): Promise<CurveAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/engaged/curve`, query, curveAnswer);
  }

  policies(tenantId: string): Promise<PoliciesAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/policies`, {}, policiesAnswer);
  }

  /** Replaces the whole timeline; what was before stays on record. */
  decidePolicies(
    tenantId: string,
    decision: { policies: PolicyStartAnswer[]; because: string; by: string },
  ): Promise<PoliciesAnswer> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/policies`;
    return this.call(path, { method: 'PUT', body: decision }, policiesAnswer);
  }

  /** Days as the figure was last published on them, both ends included. */
  unifiedHistory(tenantId: string, query: { from?: string; to?: string }): Promise<UnifiedHistoryAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/unified/history`, query, unifiedHistoryAnswer);
  }

  /** What holds the profile of a record together. */
  explainUnified(
    tenantId: string,
    query: { environment: string; source: string; record: string },
  ): Promise<ExplanationAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/unified/explain`, query, explanationAnswer);
  }

  unificationRules(tenantId: string): Promise<UnificationRulesAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/unified/rules`, {}, unificationRulesAnswer);
  }

  setUnificationRules(
    tenantId: string,
    rules: { kinds: string[] | null; limit: number; because: string; by: string },
  ): Promise<UnificationRulesAnswer> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/unified/rules`;
    return this.call(path, { method: 'PUT', body: rules }, unificationRulesAnswer);
  }

  licences(tenantId: string, query: { history?: string } = {}): Promise<LicencesAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/licences`, query, licencesAnswer);
  }

  /** Replaces the whole list of lines. Throws LinesRefused when some cannot be. */
  changeLicences(tenantId: string, { lines, ...change }: ListChange): Promise<LicencesAnswer> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/licences`;
    return this.call(path, { method: 'PUT', body: { licences: lines, ...change } }, licencesAnswer);
  }

  environments(tenantId: string, query: { history?: string } = {}): Promise<EnvironmentsAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/environments`, query, environmentsAnswer);
  }

  /** Replaces the whole list of environments. Throws LinesRefused when some cannot be. */
  changeEnvironments(tenantId: string, { lines, ...change }: ListChange): Promise<EnvironmentsAnswer> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/environments`;
    return this.call(path, { method: 'PUT', body: { environments: lines, ...change } }, environmentsAnswer);
  }

  quota(tenantId: string, query: { on?: string }): Promise<QuotaAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/quota`, query, quotaAnswer);
  }

  trueUp(tenantId: string, query: { licenceYear: string; packs?: string }): Promise<TrueUpAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/true-up`, query, trueUpAnswer);
  }

  /** A page of a tenant's conflicts; `after` is the `next` of the page before. */
  conflicts(
    tenantId: string,
    query: { from?: string; to?: string; limit: string; after?: string },
  ): Promise<ConflictsAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/conflicts`, query, conflictsAnswer);
  }

  /** Every snapshot of a period: a month of interactions, a day of the others. */
  published(tenantId: string, query: { meter: string; period: string }): Promise<PublishedAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/published`, query, publishedAnswer);
  }

  /** The newest runs of the aggregator's jobs, newest first. */
  runs(query: { limit: string }): Promise<RunsAnswer> {
    return this.#get('/v1/runs', query, runsAnswer);
  }

  /** Issues a statement, or gives the one there is; `issued` says which. */
  async issueStatement(
    tenantId: string,
    month: string,
    by: string,
  ): Promise<{ statement: Statement; issued: boolean }> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/statements/${month}`;
    const response = await this.request(path, { method: 'POST', body: { by } });
    return { statement: statementDocument.parse(await response.json()), issued: response.status === 201 };
  }

  statements(tenantId: string): Promise<StatementsAnswer> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/statements`, {}, statementsAnswer);
  }

  statement(tenantId: string, month: string): Promise<Statement> {
    return this.#get(`/v1/tenants/${encodeURIComponent(tenantId)}/statements/${month}`, {}, statementDocument);
  }

  /** A statement as bytes: `json` as it was issued, `csv`, `xlsx`, `pdf`. */
  async statementFile(tenantId: string, month: string, format: string): Promise<Uint8Array> {
    const file = format === 'json' ? month : `${month}.${format}`;
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/statements/${file}`;
    return new Uint8Array(await (await this.request(path, { method: 'GET' })).arrayBuffer());
  }

  /** How a figure of a statement is made. */
  explainStatement(tenantId: string, month: string, query: EvidenceQuery): Promise<StatementExplanation> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/statements/${month}/explain`;
    return this.#get(path, { ...query }, statementExplanation);
  }

  /** All rows behind a figure as a file, `csv`, `parquet` or `ndjson`, whose body is yet to be read. */
  statementRows(tenantId: string, month: string, format: string, query: EvidenceQuery): Promise<Response> {
    const path = `/v1/tenants/${encodeURIComponent(tenantId)}/statements/${month}/rows.${format}`;
    return this.request(path, { method: 'GET', query: { ...query } });
  }

  /** Holds statements against their digests, one another and their topic; of all tenants without one named. */
  verifyStatements(query: { tenant?: string }): Promise<VerificationAnswer> {
    return this.#get('/v1/statements/verification', query, verificationAnswer);
  }

  ledger(): Promise<LedgerAnswer> {
    return this.#get('/v1/ledger', {}, ledgerAnswer);
  }

  #get<Shape extends z.ZodType>(path: string, query: Record<string, string | undefined>, shape: Shape) {
    return this.call(path, { method: 'GET', query }, shape);
  }

  /** The answer to a request, checked. */
  async call<Shape extends z.ZodType>(path: string, asked: Asked, shape: Shape): Promise<z.infer<Shape>> {
    const parsed = shape.safeParse(await json(await this.request(path, asked)));
    if (parsed.success) return parsed.data;
    throw this.#notTally(parsed.error);
  }

  /** The answer to a request that was not refused. */
  async request(path: string, { method, query = {}, body: sent }: Asked): Promise<Response> {
    const url = this.#at(path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const headers = { authorization: `Bearer ${this.#key}`, ...(sent ? { 'content-type': 'application/json' } : {}) };
    let response: Response;
    try {
      response = await whenAdmitted(() =>
        fetch(url, { method, headers, ...(sent ? { body: JSON.stringify(sent) } : {}) }),
      );
    } catch (cause) {
      // What happened stands below fetch's own "fetch failed".
      const why = messageOf(cause instanceof TypeError && cause.cause instanceof Error ? cause.cause : cause);
      throw new TallyError(`the api at ${this.#url} does not answer: ${why}; \`tally doctor\` says what is away`, {
        code: 'API_UNAVAILABLE',
        retriable: true,
        cause,
      });
    }
    if (response.ok) return response;
    const body = await json(response);
    const problem = z.object({ code: z.string(), detail: z.string() }).safeParse(body);
    if (!problem.success) throw this.#notTally(problem.error, response.status);
    const { code, detail } = problem.data;
    const refused = faultsAnswer.safeParse(body);
    if (refused.success) throw new LinesRefused(detail, refused.data.faults);
    throw new TallyError(detail, { code, retriable: response.status >= 500 });
  }

  #at(path: string): URL {
    try {
      return new URL(path, this.#url);
    } catch (cause) {
      const message = `${this.#url} is no address: expected one such as http://127.0.0.1:8080`;
      throw new TallyError(message, { code: 'API_ADDRESS', retriable: false, cause });
    }
  }

  /** A proxy before an api that is away answers 502 or the like in words of its own. */
  #notTally(cause: unknown, status = 200): TallyError {
    const message = `what ${this.#url} answers (status ${status}) is not what this version's api answers: is it the api's address?`;
    return new TallyError(message, { code: 'API_ANSWER', retriable: status >= 500, cause });
  }
}

/** The body, undefined where it is no JSON: whatever is wanted of it is not there then. */
async function json(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A list of thousands of tenants may be asked for faster than the api lets one key ask: then it says when to go on. */
async function whenAdmitted(ask: () => Promise<Response>): Promise<Response> {
  for (let asked = 1; ; asked++) {
    const response = await ask();
    const told = response.headers.get('retry-after') ?? '';
    const waitSeconds = /^\d+$/.test(told) ? Number(told) : Number.POSITIVE_INFINITY;
    if (response.status !== 429 || asked === ASKED_MAX || waitSeconds > WAIT_SECONDS_MAX) return response;
    await response.body?.cancel();
    await sleep(waitSeconds * 1_000);
  }
}
