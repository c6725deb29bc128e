/**
 * Problem details (RFC 9457): what a client is told of an error, and what it is not.
 */
import { TallyError } from './errors.ts';

export const RETRY_AFTER_SECONDS = 5;

export interface ProblemOptions {
  /** HTTP status, 400 to 599. */
  status: number;
  /** Stable name of the kind of fault, `in-kebab-case`. */
  code: string;
  /** The kind of fault in words, the same for every occurrence. */
  title: string;
  /** This occurrence in words. */
  detail: string;
  headers?: Readonly<Record<string, string>>;
  /** Further members of the answer's body. */
  extensions?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** An error whose words are meant for the client: it becomes an `application/problem+json` answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor({ status, code, title, detail, headers = {}, extensions = {}, cause }: ProblemOptions) {
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.headers = headers;
    this.extensions = extensions;
  }
}

/** A 401 Problem; `challenge` is its `WWW-Authenticate`. */
export function unauthorized(detail: string, challenge: string): Problem {
  const headers = { 'www-authenticate': challenge };
  return new Problem({ status: 401, code: 'unauthorized', title: 'A valid key is required', detail, headers });
}

/** What goes over the wire. */
export function bodyOf(
  { status, code, title, detail, extensions }: Problem,
  requestId?: string,
): Record<string, unknown> {
  return { type: `urn:tally:problem:${code}`, title, status, detail, code, requestId, ...extensions };
}

/** What the framework's own errors mean to a client; their text may name internals, so it is not passed on. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, Omit<ProblemOptions, 'status'>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: problem('body-too-large', 'The body is too large', 'the body is over the size limit'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem('unsupported-media-type', 'The media type is not accepted', 'see the docs'),
  FST_ERR_CTP_EMPTY_JSON_BODY: problem('invalid-json', 'The body is not JSON', 'the body is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: problem('invalid-json', 'The body is not JSON', 'the body does not parse as JSON'),
  FST_ERR_BAD_URL: problem('invalid-url', 'The URL is malformed', 'the path does not decode'),
  FST_ERR_MAX_PARAM_LENGTH: problem('invalid-url', 'The URL is malformed', 'a part of the path is too long'),
};

/** Those parts of a problem that its kind has. */
export function problem(code: string, title: string, detail: string): Omit<ProblemOptions, 'status'> {
  return { code, title, detail };
}

/** What an error is to a client; what names internals is not passed on. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TallyError && error.retriable) {
    const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
    const detail = 'a part of the service is away; try again';
    return new Problem({ status: 503, ...problem('unavailable', 'Not available now', detail), headers, cause: error });
  }
  const { statusCode, code, validation, message } = error as Partial<
    Record<'statusCode' | 'code' | 'validation' | 'message', unknown>
  >;
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    const known = FRAMEWORK_PROBLEMS[String(code)];
    if (known) return new Problem({ status: statusCode, ...known });
    const detail = validation ? String(message) : 'the request could not be read';
    return new Problem({ status: statusCode, ...problem('invalid-request', 'The request is not valid', detail) });
  }
  const detail = 'the fault is in the service; its log names it under this requestId';
  return new Problem({ status: 500, ...problem('internal', 'Internal error', detail), cause: error });
}
