/**
 * A receiver of webhooks that writes down everything it gets, and checks the signatures with the standard's own library.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

export interface Receipt {
  /** `webhook-id`. */
  id: string;
  /** What it was sent to. */
  path: string;
  body: string;
  /** Whether the standard's own library accepts the signature. */
  verified: boolean;
  /** What it answered; 0: it dropped the connection. */
  status: 200 | 500 | 0;
  /** When it came, milliseconds since 1970-01-01 UTC. */
  at: number;
}

export interface Receiver {
  url: string;
  receipts: readonly Receipt[];
  close: () => Promise<void>;
}

export interface ReceiverOptions {
  /** `whsec_` and base64. */
  secret: string;
  /** What it answers to an id that comes for the nth time, and after how many milliseconds. Default: 200, at once. */
  answer?: (id: string, nth: number) => Pick<Receipt, 'status'> & { afterMs: number };
  /** Told of each as it comes. */
  onReceipt?: (receipt: Receipt) => void;
}

/** Listens on a free port. */
export async function startReceiver({ secret, answer = thanks, onReceipt }: ReceiverOptions): Promise<Receiver> {
  const receipts: Receipt[] = [];
  const times = new Map<string, number>();
  const webhook = new Webhook(secret);
  const server = createServer((request, response) => {
    void receive(request, response).catch(() => response.destroy());
  });
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A sender that dies before its request is whole has sent nothing.
    const body = await text(request);
    const at = Date.now();
    const headers = request.headers as Record<string, string>;
    const id = headers['webhook-id'] ?? '';
    const nth = (times.get(id) ?? 0) + 1;
    times.set(id, nth);
    const { status, afterMs } = answer(id, nth);
    const receipt = { id, path: request.url ?? '', body, verified: isVerified(webhook, body, headers), status, at };
    receipts.push(receipt);
    onReceipt?.(receipt);
    if (afterMs > 0) await sleep(afterMs);
    if (status === 0) response.destroy();
    else response.writeHead(status).end();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    receipts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isVerified(webhook: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function thanks(): ReturnType<NonNullable<ReceiverOptions['answer']>> {
  return { status: 200, afterMs: 0 };
}
