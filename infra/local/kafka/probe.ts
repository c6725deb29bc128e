// Asks a broker one real question, by hand, so that starting Kafka needs no Kafka client.

import { connect } from 'node:net';

const API_METADATA = 3;
const API_VERSION = 1;
const CLIENT_ID = 'tally-local';
const ANSWER_MS_MAX = 2_000;

/**
 * Whether the broker on 127.0.0.1 answers a metadata request and counts itself among the live brokers. An answer alone
 * is not enough: until the controller lets it in, topics cannot be created.
 */
export function brokerServes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = Buffer.alloc(0);
    const finish = (serves: boolean) => {
      socket.destroy();
      resolve(serves);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => socket.write(metadataRequest()));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      // Size, correlation id, number of live brokers: 4 bytes each.
      if (received.length >= 12) finish(received.readInt32BE(8) > 0);
    });
  });
}

function metadataRequest(): Buffer {
  const clientId = Buffer.from(CLIENT_ID);
  const body = Buffer.alloc(14 + clientId.length);
  body.writeInt16BE(API_METADATA, 0);
  body.writeInt16BE(API_VERSION, 2);
  body.writeInt32BE(1, 4); // correlation id
  body.writeInt16BE(clientId.length, 8);
  clientId.copy(body, 10);
  body.writeInt32BE(0, 10 + clientId.length); // about no topic
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}
