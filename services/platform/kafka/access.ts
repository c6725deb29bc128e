/**
 * Why brokers do not let a client in. Kafka closes a connection on which it is not spoken to as it expects, without a word,
 * and a client tries that for ever. So where a connection fails, the broker is asked by hand: what it answers proves what
 * is missing. Such errors are not retriable, since only a person can mend them; without proof, it is an outage.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import kafkajs from 'kafkajs';
import { messageOf, TallyError } from '../errors.ts';
import { isCertificateCode } from '../tls.ts';
import { connectionOf, type KafkaServers } from './servers.ts';

const ANSWER_MS_MAX = 2_000;
const API_SASL_HANDSHAKE = 17;
const UNSUPPORTED_SASL_MECHANISM = 33;
const CLIENT_ID = 'tally-access';
/** Size and correlation id, 4 bytes each, an error code of 2 and the number of mechanisms. */
const ANSWER_BYTES_MIN = 14;
/** What an error of the client says by itself about being let in, or undefined. */
export function refusedAccess(error: unknown): TallyError | undefined {
  if (error instanceof kafkajs.KafkaJSSASLAuthenticationError) {
    return refused('KAFKA_AUTHENTICATION_FAILED', 'the brokers refuse this user: check TALLY_KAFKA_SASL_…', error);
  }
  if (error instanceof kafkajs.KafkaJSProtocolError && error.type === 'ILLEGAL_SASL_STATE') {
    return refused(
      'KAFKA_SASL_NOT_SPOKEN',
      'these brokers take no SASL on this port: unset TALLY_KAFKA_SASL_… or use another port',
      error,
    );
  }
  if (!(error instanceof kafkajs.KafkaJSConnectionError)) return undefined;
  const code = socketCode(error);
  if (!isCertificateCode(code)) return undefined;
  return refused(
    'KAFKA_CERTIFICATE_REFUSED',
    `a certificate is not taken (${code}): check TALLY_KAFKA_CA_FILE, the name or address the brokers are called by, and the client's own certificate`,
    error,
  );
}

/** The socket's own code, such as ECONNREFUSED, of a connection that failed; kafkajs keeps it without declaring it. */
export function socketCode(error: unknown): string | undefined {
  if (!(error instanceof kafkajs.KafkaJSConnectionError)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Asks the brokers, one after the other, what they expect that this client does not do. Undefined without proof. */
export async function whyNotLetIn(servers: KafkaServers): Promise<TallyError | undefined> {
  for (const broker of connectionOf(servers).brokers) {
    const at = addressOf(broker);
    if (!servers.tls && (await speaksTls(at))) {
      return refused('KAFKA_TLS_WANTED', `${broker} speaks TLS: set TALLY_KAFKA_TLS=1 and TALLY_KAFKA_CA_FILE`);
    }
    if (servers.tls && (await askMechanisms(connectPlain(at), 'connect'))) {
      return refused('KAFKA_TLS_NOT_SPOKEN', `${broker} speaks no TLS: unset TALLY_KAFKA_TLS or use another port`);
    }
    const wanted = await whoMustBeSaid(servers, broker);
    if (wanted) return wanted;
  }
  return undefined;
}

/**
 * Whether a broker wants to know who calls and this client does not say so. That is to be asked ahead: without it a
 * connection stands, and is closed at the first question. Undefined without proof.
 */
export async function whoMustBeSaid(servers: KafkaServers, broker?: string): Promise<TallyError | undefined> {
  const asked = broker ?? connectionOf(servers).brokers[0];
  if (servers.sasl || asked === undefined) return undefined;
  const at = addressOf(asked);
  const answer = servers.tls
    ? await askMechanisms(connectTls({ ...at, ...servers.tls, servername: serverName(at.host) }), 'secureConnect')
    : await askMechanisms(connectPlain(at), 'connect');
  if (answer?.error !== UNSUPPORTED_SASL_MECHANISM) return undefined;
  const offered = answer.mechanisms.map((name) => name.toLowerCase()).join(', ');
  return refused(
    'KAFKA_SASL_WANTED',
    `${asked} wants to know who calls: set TALLY_KAFKA_SASL_MECHANISM (it takes ${offered}), …_USER and …_PASSWORD`,
  );
}

function addressOf(broker: string): { host: string; port: number } {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) };
}

function refused(code: string, what: string, cause?: unknown): TallyError {
  const message = cause === undefined ? what : `${what}: ${messageOf(cause).trim()}`;
  return new TallyError(message, { code, retriable: false, ...(cause === undefined ? {} : { cause }) });
}

/** A name for an address is against the rules of TLS. */
function serverName(host: string): string {
  return isIP(host) ? '' : host;
}

function speaksTls({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    // Nothing is said to whoever this is; only that it takes the handshake counts.
    const socket = connectTls({ host, port, servername: serverName(host), rejectUnauthorized: false });
    const finish = (speaks: boolean): void => {
      socket.destroy();
      resolve(speaks);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => finish(false));
    socket.once('secureConnect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
  });
}

interface Mechanisms {
  /** Kafka's error code. */
  error: number;
  mechanisms: string[];
}

/** What a broker answers to a mechanism that nobody has; undefined when it does not answer in Kafka's protocol. */
function askMechanisms(socket: Socket, connected: 'connect' | 'secureConnect'): Promise<Mechanisms | undefined> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const finish = (answer?: Mechanisms): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => finish());
    socket.once('error', () => finish());
    socket.once('close', () => finish());
    socket.once(connected, () => socket.write(saslHandshake('none')));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) finish(mechanismsIn(received));
    });
  });
}

function saslHandshake(mechanism: string): Buffer {
  const text = (value: string): Buffer => {
    const length = Buffer.alloc(2);
    length.writeInt16BE(value.length);
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const head = Buffer.alloc(8);
  head.writeInt16BE(API_SASL_HANDSHAKE, 0);
  head.writeInt16BE(1, 2); // version
  head.writeInt32BE(1, 4); // correlation id
  const body = Buffer.concat([head, text(CLIENT_ID), text(mechanism)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function mechanismsIn(answer: Buffer): Mechanisms | undefined {
  if (answer.length < ANSWER_BYTES_MIN || answer.readInt32BE(4) !== 1) return undefined;
  const mechanisms: string[] = [];
  for (let left = answer.readInt32BE(10), at = ANSWER_BYTES_MIN; left > 0 && at + 2 <= answer.length; left--) {
    const length = answer.readInt16BE(at);
    mechanisms.push(answer.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { error: answer.readInt16BE(8), mechanisms };
}
