/**
 * How many requests one caller may send in a minute: a key, a token's holder or a session each by itself, and who has
 * none of them by address. One that asks too often is told when to come again, and nothing is read for it.
 */
import { isIPv6 } from 'node:net';
import { type FastifyReply, type FastifyRequest, Problem } from '@tally/platform/http';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { type Caller, callerId } from './roles.ts';

const WINDOW_SECONDS = 60;
const GROUPS_OF_NETWORK = 4;
const GROUPS = 8;

export interface RequestLimitOptions {
  /** Of a key, a token's holder or a session. */
  perMinuteMax: number;
  /** Of an address, with no or a wrong key. */
  unknownPerMinuteMax: number;
}

export class RequestLimits {
  readonly #known: RateLimiterMemory;
  readonly #unknown: RateLimiterMemory;

  constructor({ perMinuteMax, unknownPerMinuteMax }: RequestLimitOptions) {
    this.#known = new RateLimiterMemory({ points: perMinuteMax, duration: WINDOW_SECONDS });
    this.#unknown = new RateLimiterMemory({ points: unknownPerMinuteMax, duration: WINDOW_SECONDS });
  }

  /** Counts a request, and says in the answer's `RateLimit-*` headers what is left. Throws a 429 Problem. */
  async count(request: FastifyRequest, reply: FastifyReply, caller?: Caller): Promise<void> {
    const limiter = caller ? this.#known : this.#unknown;
    const state = await limiter.consume(caller ? callerId(caller) : networkOf(request.ip)).catch((refused: unknown) => {
      // The library rejects with the state when there is nothing left, and with an error when it fails.
      if (refused instanceof RateLimiterRes) return refused;
      throw refused;
    });
    const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1_000));
    const headers = {
      'ratelimit-policy': `${limiter.points};w=${WINDOW_SECONDS}`,
      'ratelimit-limit': String(limiter.points),
      'ratelimit-remaining': String(Math.max(0, state.remainingPoints)),
      'ratelimit-reset': String(resetSeconds),
    };
    reply.headers(headers);
    if (state.consumedPoints > limiter.points) throw tooOften(limiter.points, resetSeconds);
  }
}

function tooOften(pointsMax: number, resetSeconds: number): Problem {
  return new Problem({
    status: 429,
    code: 'too-many-requests',
    title: 'Too many requests',
    detail: `more than ${pointsMax} requests in ${WINDOW_SECONDS} seconds; try again in ${resetSeconds} seconds`,
    headers: { 'retry-after': String(resetSeconds) },
  });
}

/** An IPv4 address, or the 64 bits of an IPv6 address that name its network: the others are its holder's to choose. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const left = [...head];
  const missing = tail === undefined ? 0 : GROUPS - left.length - tail.length;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])];
  const network = groups.slice(0, GROUPS_OF_NETWORK).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
