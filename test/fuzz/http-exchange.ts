/**
 * One connection of a sender that speaks HTTP by hand, so that it can speak it badly.
 */
import { connect, type Socket } from 'node:net';
import type { Item } from './gateway-requests.ts';

export interface Answer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

export interface Exchange {
  answers: Answer[];
  /** Whether the gateway ended the connection before all was answered. */
  closed: boolean;
  /** Bytes that are no answer. */
  rest: string;
}

/** An item takes longer than this: the gateway hangs. */
const ITEM_MS_MAX = 20_000;
/**
 * Behind a raw item, to see that its answers have ended; the answer is like no other. What is wrong with the item may
 * swallow it, and Node drops what comes in one packet with a request for an upgrade; so it is sent again and again.
 */
const SENTINEL = Buffer.from('GET /health/live HTTP/1.1\r\nHost: fuzz\r\n\r\n');
const SENTINEL_BODY = '{"ok":true}';
const SENTINEL_EVERY_MS = 1_000;

const EMPTY_CHUNKED = '0\r\n\r\n';

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

export class Connection {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends an item and resolves with what came back. Throws TimedOut. */
  async exchange({ bytes, expect }: Item): Promise<Exchange> {
    if (expect === 'cut') {
      await this.#leave(bytes);
      return { answers: [], closed: false, rest: '' };
    }
    const raw = expect === 'raw';
    if (raw) this.close();
    const socket = await this.#connected();
    const isComplete = (answers: Answer[]): boolean =>
      raw ? answers.at(-1)?.body === SENTINEL_BODY : answers.length === expect.whole;
    const again = raw ? setInterval(() => socket.write(SENTINEL), SENTINEL_EVERY_MS) : undefined;
    const sent = raw ? Buffer.concat([bytes, SENTINEL]) : bytes;
    const found = await talk(socket, sent, isComplete).finally(() => clearInterval(again));
    if (raw || found.closed || found.answers.some(({ headers }) => headers.get('connection') === 'close')) this.close();
    return found;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #leave(bytes: Buffer): Promise<void> {
    const socket = await this.#connected();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    this.close();
  }

  #connected(): Promise<Socket> {
    const known = this.#socket;
    if (known && !known.destroyed && known.readable) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
      this.#socket = socket;
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        // What matters of an error is that the connection is gone, and 'close' says that.
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  }
}

function talk(socket: Socket, bytes: Buffer, isComplete: (answers: Answer[]) => boolean): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    let received = Buffer.alloc(0);
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      resolve({ answers, closed, rest: received.toString('latin1') });
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      for (let parsed = parseAnswer(received); parsed; parsed = parseAnswer(received)) {
        received = received.subarray(parsed.length);
        // 100 Continue comes before the answer and is none.
        if (parsed.answer.status >= 200) answers.push(parsed.answer);
        if (isComplete(answers)) {
          finish(false);
          return;
        }
      }
    };
    const onClose = (): void => finish(true);
    const timer = setTimeout(() => {
      socket.off('data', onData).off('close', onClose);
      reject(new TimedOut(`no end after ${ITEM_MS_MAX} ms, ${answers.length} answers`));
    }, ITEM_MS_MAX);
    socket.on('data', onData).on('close', onClose);
    socket.write(bytes);
  });
}

/** The first answer in the bytes, when it is there as a whole. */
function parseAnswer(bytes: Buffer): { answer: Answer; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  // Node's own answers without a body come in no chunks at all; others always say how long they are.
  const bodyless = headers.get('transfer-encoding') === 'chunked' ? EMPTY_CHUNKED.length : 0;
  const length = end + 4 + Number(headers.get('content-length') ?? bodyless);
  if (bytes.length < length) return undefined;
  const body =
    bodyless > 0 ? bytes.toString('utf8', end + 4, length - bodyless) : bytes.toString('utf8', end + 4, length);
  return { answer: { status, headers, body }, length };
}
