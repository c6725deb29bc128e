/**
 * One POST to an address from outside. What counts is the status line and the headers:
 * - 2xx: delivered, even when the body then ends early or never does; the receiver has said that it has it.
 * - a redirect, also one to the same host: failed; nothing is sent anywhere but where the target says.
 * - 410: the receiver wants nothing more.
 * - 429 and 503 may say when to come back.
 * - everything else, and no answer in time: failed.
 */
import { messageOf, TallyError } from '@tally/platform/errors';
import { Agent, type Dispatcher, request } from 'undici';
import { checkedLookup, checkLiteralHost, type Network, type Resolve, urlFault } from './networks.ts';
import { parseRetryAfter } from './retry-schedule.ts';
import { detailOf, type Told } from './told.ts';

export interface HttpOptions {
  privateNetworks: readonly Network[];
  resolve: Resolve;
  clock: () => number;
  /** To connect, milliseconds. */
  connectMsMax: number;
  /** From the request to the last header, milliseconds. */
  answerMsMax: number;
}

export interface Post {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Blotted out of what the receiver says. */
  secrets: readonly string[];
}

/** Read of an answer's body at most; of one without fault it is only to use the connection again. */
const BODY_BYTES_MAX = 4_096;
/** How long a body may take once its headers are there, milliseconds. */
const BODY_MS_MAX = 1_000;
const HEADER_BYTES_MAX = 16_384;
const KEEP_ALIVE_MS_MAX = 30_000;
/** Connections to one origin, whatever number of targets it has. */
const CONNECTIONS_MAX = 16;
/** A part of a path that is shorter is a word, not a token. */
const TOKEN_CHARS_MIN = 12;
const USER_AGENT = 'Tally-Notifier/1';

export class HttpPoster {
  readonly #options: HttpOptions;
  readonly #agent: Agent;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS_MAX,
      keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: options.answerMsMax,
      bodyTimeout: BODY_MS_MAX,
      connect: {
        timeout: options.connectMsMax,
        lookup: checkedLookup(options.resolve, options.privateNetworks),
      },
    });
  }

  /** Never throws for what the receiver does. */
  async post({ url, headers, body, secrets }: Post): Promise<Told> {
    const hidden = [...secrets, ...secretPartsOf(url)];
    const fault = urlFault(url);
    if (fault !== undefined) return { outcome: 'failed', status: 0, detail: `the address ${fault}`, retryAfterMs: 0 };
    try {
      checkLiteralHost(new URL(url).hostname, this.#options.privateNetworks);
      const response = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'user-agent': USER_AGENT, ...headers },
        body,
        // Also ends headers that come byte by byte.
        signal: AbortSignal.timeout(this.#options.answerMsMax),
      });
      return await this.#judge(response, hidden);
    } catch (error) {
      return notAnswered(error, this.#options, hidden);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #judge({ statusCode: status, headers, body }: Dispatcher.ResponseData, secrets: string[]): Promise<Told> {
    if (status >= 200 && status < 300) {
      await body.dump({ limit: BODY_BYTES_MAX, signal: AbortSignal.timeout(BODY_MS_MAX) }).catch(() => undefined);
      return { outcome: 'delivered', status, detail: `answered ${status}`, retryAfterMs: 0 };
    }
    const said = await startOf(body);
    if (status >= 300 && status < 400) {
      const to = URL.parse(one(headers['location']))?.origin ?? 'nowhere';
      const detail = detailOf(`answered ${status}: redirects (to ${to}) are not followed; change the address`, secrets);
      return { outcome: 'failed', status, detail, retryAfterMs: 0 };
    }
    const detail = detailOf(`answered ${status}: ${said}`, secrets);
    if (status === 410) return { outcome: 'gone', status, detail, retryAfterMs: 0 };
    const asks = status === 429 || status === 503 ? one(headers['retry-after']) : '';
    return { outcome: 'failed', status, detail, retryAfterMs: parseRetryAfter(asks, this.#options.clock()) };
  }
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}

/** The first bytes of a body, or as many as came in time. */
async function startOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const late = setTimeout(() => body.destroy(), BODY_MS_MAX);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= BODY_BYTES_MAX) break;
    }
  } catch {
    // A fault of the body alone changes nothing: the status has been said.
  } finally {
    clearTimeout(late);
    body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8');
}

function notAnswered(error: unknown, { answerMsMax, connectMsMax }: HttpOptions, secrets: readonly string[]): Told {
  const { name, code } = error as { name?: string; code?: string };
  let outcome: Told['outcome'] = 'failed';
  let words = messageOf(error);
  if (error instanceof TallyError && code === 'ADDRESS_REFUSED') outcome = 'refused';
  else if (code === 'UND_ERR_CONNECT_TIMEOUT') words = `no connection within ${connectMsMax} ms`;
  else if (name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT') words = `no answer within ${answerMsMax} ms`;
  else if (code === 'UND_ERR_SOCKET') words = 'the connection was closed before an answer';
  else if (code !== undefined) words = `${code}: ${words}`;
  return { outcome, status: 0, detail: detailOf(words, secrets), retryAfterMs: 0 };
}

/** What of a URL must not be said, the longest first: all behind the host, and its parts, which may be tokens. */
function secretPartsOf(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [text];
  const segments = url.pathname.split('/').filter((segment) => segment.length >= TOKEN_CHARS_MIN);
  const whole = [text, `${url.pathname}${url.search}`, url.search, url.pathname];
  return [...whole, ...url.searchParams.values(), ...segments];
}
