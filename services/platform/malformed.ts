/**
 * Requests that Node could not parse, or that took too long, never reach a route: they are answered here, byte by byte.
 */
import type { Socket } from 'node:net';
import { bodyOf, Problem, problem } from './problem.ts';

// An import would look at every export of it, which makes Node load its WebSockets: 90 ms of every start.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

interface MalformedOptions {
  /** On every answer. */
  headers: Readonly<Record<string, string>>;
  /** Told the code of every problem that is sent. */
  count: (code: string) => void;
}

/** Answers and ends the connection; one whose other side is gone is only ended. */
export function answerMalformed(
  error: Error & { code?: string },
  socket: Socket,
  { headers, count }: MalformedOptions,
): void {
  const gone = error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE';
  if (gone || !socket.writable) {
    socket.destroy();
    return;
  }
  const found =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? { status: 408, ...problem('request-timeout', 'The request took too long', 'the request did not end in time') }
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? { status: 431, ...problem('headers-too-large', 'The headers are too large', 'the headers are too large') }
        : { status: 400, ...problem('invalid-request', 'The request is not valid', 'this is not HTTP/1.1') };
  count(found.code);
  const body = JSON.stringify(bodyOf(new Problem(found)));
  const lines = {
    ...headers,
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${found.status} ${STATUS_CODES[found.status]}\r\n${head.join('')}\r\n${body}`);
}
