// Ports: a given one must be free, an absent one is chosen. Both are decided before anything starts.

import { createServer } from 'node:net';
import { LocalStackError, systemErrorCode } from './errors.ts';

export interface PortRequest {
  /** The option as the user knows it, for the error message. */
  option: string;
  /** 0 or undefined: any free port. */
  port: number | undefined;
}

const HOST = '127.0.0.1';

/**
 * Below the range from which the system takes ports for outgoing connections: a service that died and is
 * started again on its port must not find a client's socket there.
 */
const CHOSEN_PORT_FROM = 15_000;
const CHOSEN_PORT_TO = 31_999;
const CHOICES_MAX = 200;

/**
 * Resolves every request to a port that is free now on 127.0.0.1, all of them different, in the order given.
 * @throws LocalStackError PORT_TAKEN, naming the port and its option
 */
export async function resolvePorts(requests: PortRequest[]): Promise<number[]> {
  const taken = new Set<number>();
  for (const { option, port } of requests) {
    if (!port) continue;
    const problem = taken.has(port) ? 'is asked for twice' : await whyNot(port);
    if (problem !== undefined) {
      throw new LocalStackError(
        'PORT_TAKEN',
        `Port ${port} (${option}) ${problem}; choose another, or 0 for any free one.`,
      );
    }
    taken.add(port);
  }
  const ports: number[] = [];
  for (const { port } of requests) ports.push(port || (await anyFreePort(taken)));
  return ports;
}

async function anyFreePort(taken: Set<number>): Promise<number> {
  for (let choice = 0; choice < CHOICES_MAX; choice++) {
    const port = CHOSEN_PORT_FROM + Math.floor(Math.random() * (CHOSEN_PORT_TO - CHOSEN_PORT_FROM + 1));
    if (taken.has(port) || (await whyNot(port)) !== undefined) continue;
    taken.add(port);
    return port;
  }
  throw new LocalStackError('PORT_TAKEN', `No free port found between ${CHOSEN_PORT_FROM} and ${CHOSEN_PORT_TO}.`);
}

/** Undefined if the port can be listened on, otherwise the reason, as the end of a sentence that begins with the port. */
function whyNot(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = systemErrorCode(error);
      resolve(code === 'EADDRINUSE' ? 'is already in use' : `cannot be used: ${code ?? error.message}`);
    });
    // `exclusive` keeps a test runner's cluster mode from sharing the handle.
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
