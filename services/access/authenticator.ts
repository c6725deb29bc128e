/**
 * Who sends a request: the one place that looks at `Authorization` and at the session's cookie.
 */
import { bearerKey, type FastifyRequest, Problem, unauthorized } from '@tally/platform/http';
import { parseCookie, stringifySetCookie } from 'cookie';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { KeyBook } from './key-book.ts';
import { networkOf } from './request-limits.ts';
import type { Caller } from './roles.ts';
import type { Sessions } from './sessions.ts';
import type { VerifyToken } from './tokens.ts';

const COOKIE = 'tally_session';
const WRONG_KEYS_WINDOW_SECONDS = 60;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

export interface AuthenticatorOptions {
  keys: KeyBook;
  verifyToken?: VerifyToken | undefined;
  /** Without them cookies are not looked at. */
  sessions?: Sessions;
  /** From one address; see config.ts. */
  wrongKeysPerMinuteMax: number;
  /** Where browsers reach the service, if a proxy stands before it: `https://tally.example`. */
  publicUrl?: string | undefined;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #wrong: RateLimiterMemory;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#wrong = new RateLimiterMemory({
      points: options.wrongKeysPerMinuteMax,
      duration: WRONG_KEYS_WINDOW_SECONDS,
    });
  }

  /** Throws a Problem: 401 without a valid key, token or session, 403 for a cookie that another site sent, 429. */
  async callerOf(request: FastifyRequest): Promise<Caller> {
    if (request.headers.authorization === undefined && this.#options.sessions) {
      const caller = await this.#callerOfCookie(request, this.#options.sessions);
      if (caller) return caller;
    }
    const key = bearerKey(request);
    if (key === undefined) throw unauthorized('the Authorization header holds no Bearer key', 'Bearer');
    return this.callerOfKey(key, request);
  }

  /** Who holds a key or a token that came with a request. Throws as `callerOf` does. */
  async callerOfKey(key: string, request: FastifyRequest): Promise<Caller> {
    const { keys, verifyToken } = this.#options;
    const isToken = verifyToken !== undefined && JWT.test(key);
    const verdict = isToken ? await verifyToken(key) : await keys.callerOf(key, () => this.#refuseGuessers(request));
    if (verdict.ok) return verdict.caller;
    return this.#refuse(request, verdict.detail);
  }

  /** Begins a session of a caller; the answer's header sets its cookie. Throws a 403 Problem for another site's request. */
  async beginSession(caller: Caller, request: FastifyRequest): Promise<{ cookie: string; expiresAt: number }> {
    if (request.headers.origin !== undefined && !this.#isSameOrigin(request)) throw foreignOrigin();
    const { id, expiresAt } = await this.#sessionsOrFail().begin(caller);
    return { cookie: this.#cookie(request, id, new Date(expiresAt)), expiresAt };
  }

  /** Ends the request's session, if it has one; the header takes the cookie away. */
  async endSession(request: FastifyRequest): Promise<string> {
    const id = sessionIdOf(request);
    if (id !== undefined) await this.#sessionsOrFail().end(id);
    return this.#cookie(request, '', new Date(0));
  }

  async #callerOfCookie(request: FastifyRequest, sessions: Sessions): Promise<Caller | undefined> {
    const id = sessionIdOf(request);
    if (id === undefined) return undefined;
    const caller = await sessions.callerOf(id, () => this.#refuseGuessers(request));
    if (!caller) return this.#refuse(request, 'the session is over');
    const harmless = request.method === 'GET' || request.method === 'HEAD';
    // Other sites can make a browser send the cookie, but neither this header nor our own origin.
    const ours = request.headers['x-tally-request'] === 'dashboard' && this.#isSameOrigin(request);
    if (!harmless && !ours) throw foreignOrigin();
    return caller;
  }

  #isSameOrigin({ headers, protocol }: FastifyRequest): boolean {
    const { publicUrl } = this.#options;
    const own = publicUrl === undefined ? `${protocol}://${headers.host}` : publicUrl;
    return URL.canParse(own) && headers.origin === new URL(own).origin;
  }

  #cookie({ protocol }: FastifyRequest, value: string, expires: Date): string {
    const secure = (this.#options.publicUrl ?? `${protocol}:`).startsWith('https:');
    return stringifySetCookie({ name: COOKIE, value, expires, httpOnly: true, sameSite: 'strict', path: '/', secure });
  }

  #sessionsOrFail(): Sessions {
    if (this.#options.sessions) return this.#options.sessions;
    throw new Error('this service has no sessions');
  }

  async #refuse(request: FastifyRequest, detail: string): Promise<never> {
    await this.#wrong.consume(networkOf(request.ip)).catch((left: unknown) => {
      throw tooMany(left);
    });
    throw unauthorized(detail, 'Bearer error="invalid_token"');
  }

  /** Asked before anything is read for a wrong key. Right ones are known without, so nobody locks others out. */
  async #refuseGuessers(request: FastifyRequest): Promise<void> {
    const state = await this.#wrong.get(networkOf(request.ip));
    if (state && state.remainingPoints <= 0) throw tooMany(state);
  }
}

/** The session that a request's cookie names. */
function sessionIdOf(request: FastifyRequest): string | undefined {
  const id = parseCookie(request.headers.cookie ?? '')[COOKIE];
  return id === '' ? undefined : id;
}

function foreignOrigin(): Problem {
  const detail = 'a change by cookie needs the header x-tally-request: dashboard and an Origin of this service';
  return new Problem({ status: 403, code: 'foreign-origin', title: 'The request is not from here', detail });
}

function tooMany(state: unknown): Problem {
  const { msBeforeNext = WRONG_KEYS_WINDOW_SECONDS * 1_000 } = state as { msBeforeNext?: number };
  return new Problem({
    status: 429,
    code: 'too-many-wrong-keys',
    title: 'Too many wrong keys',
    detail: 'too many wrong keys came from this address; try again later',
    headers: { 'retry-after': String(Math.max(1, Math.ceil(msBeforeNext / 1_000))) },
  });
}
