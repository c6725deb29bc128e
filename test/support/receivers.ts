/**
 * Receivers of alerts as they are out there: an HTTP server that does at each path what some receiver does, and an SMTP
 * server with a certificate of its own.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type ParsedMail, simpleParser } from 'mailparser';
import { generate } from 'selfsigned';
import { SMTPServer } from 'smtp-server';

export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
  at: number;
}

export interface HttpReceiver {
  url: string;
  port: number;
  received: Received[];
  /** Those at a path. */
  at: (path: string) => Received[];
  close: () => Promise<void>;
}

const DRIP_MS = 20;

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

function answer(status: number, body = '', headers: Record<string, string> = {}): Behaviour {
  return (response) => response.writeHead(status, headers).end(body);
}

/** A head, and then bytes one after the other for as long as somebody listens. */
function drip(head: string, text: string): Behaviour {
  return ({ socket }) => {
    socket?.write(head);
    const bytes = Buffer.from(text).values();
    const timer = setInterval(() => {
      const { value, done } = bytes.next();
      if (done || !socket?.writable) clearInterval(timer);
      else socket.write(Uint8Array.of(value));
    }, DRIP_MS);
  };
}

/** Some bytes, and the end of the connection. */
function cut(text: string): Behaviour {
  return ({ socket }) => socket?.write(text, () => socket.destroy());
}

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  '/ok': answer(200, 'thanks'),
  '/accepted': answer(202),
  '/hangs': () => undefined,
  '/resets': ({ socket }) => socket?.resetAndDestroy(),
  '/500': answer(500, 'out of order'),
  // Says all it was told.
  '/echoes': (response, { url = '' }) => {
    const token = new URL(url, 'http://localhost').searchParams.get('token');
    response.writeHead(500).end(`nothing at ${url} for ${token}`);
  },
  '/404': answer(404),
  '/410': answer(410, 'moved away'),
  '/429': answer(429, '', { 'retry-after': '120' }),
  '/503': (response) => response.writeHead(503, { 'retry-after': new Date(Date.now() + 600_000).toUTCString() }).end(),
  '/redirects': answer(302, '', { location: '/ok' }),
  '/redirects-away': answer(308, '', { location: 'http://localhost:1/elsewhere?token=x' }),
  '/cut-headers': cut('HTTP/1.1 200 OK\r\ncontent-le'),
  '/cut-200': cut('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf'),
  '/cut-500': cut('HTTP/1.1 500 Oh\r\ncontent-length: 1000\r\n\r\nhalf'),
  '/drips-headers': drip('HTTP/1.1 200 OK\r\n', 'x: y\r\n'.repeat(1_000)),
  '/drips-body': drip('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', 'x'.repeat(100_000)),
  '/endless-500': (response) => {
    response.writeHead(500);
    const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.once('close', () => clearInterval(timer));
  },
  '/not-http': cut('220 smtp.example ESMTP\r\n'),
};

/** Listens on a free port. */
export async function httpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const body = (await buffer(request).catch(() => Buffer.alloc(0))).toString();
    received.push({ path, headers: request.headers as Record<string, string>, body, at: performance.now() });
    (BEHAVIOURS[path] ?? answer(404))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    at: (path) => received.filter((one) => one.path === path),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const { port, close } = await httpReceiver();
  await close();
  return port;
}

export interface SmtpReceiver {
  port: number;
  /** Its certificate, PEM. */
  ca: string;
  mails: (ParsedMail & { recipients: string[]; secure: boolean; user: string })[];
  /** Logins it was told, right or wrong. */
  logins: number;
  /** Mails it puts off with 451 before it takes one. */
  putOff: number;
  close: () => Promise<void>;
}

/** Wants a login, and STARTTLS unless `plain`: then it does not know that. */
export async function smtpReceiver(
  login: { user: string; password: string },
  { plain = false } = {},
): Promise<SmtpReceiver> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  const receiver: SmtpReceiver = { port: 0, ca: cert, mails: [], logins: 0, putOff: 0, close: async () => undefined };
  const server = new SMTPServer({
    key,
    cert,
    disabledCommands: plain ? ['STARTTLS'] : [],
    allowInsecureAuth: plain,
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth: ({ username, password }, _session, done) => {
      receiver.logins++;
      if (username === login.user && password === login.password) done(null, { user: username });
      else done(new Error(`no login for ${username} with ${password}`));
    },
    onData: (stream, session, done) => {
      buffer(stream)
        .then((bytes) => simpleParser(bytes))
        .then((mail) => {
          if (receiver.putOff-- > 0) return done(Object.assign(new Error('try later'), { responseCode: 451 }));
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          receiver.mails.push({ ...mail, recipients, secure: session.secure, user: String(session.user ?? '') });
          done();
        }, done);
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.port = (server.server.address() as AddressInfo).port;
  receiver.close = () => new Promise((resolve) => server.close(() => resolve()));
  return receiver;
}
