/**
 * Mutated requests into the gateway, many at a time. Each must come to an answer, or to a closed connection where the
 * request was no HTTP; and the log must hold exactly what was answered as accepted.
 */

import { type Item, itemOf } from './gateway-requests.ts';
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts';
import { type Answer, Connection, type Exchange } from './http-exchange.ts';
import type { GatewayReport, Memory } from './report.ts';

const CONNECTIONS = 48;
/** The gateway's memory is looked at after each part; the first one warms it up. */
const PARTS = 5;
const FINDINGS_MAX = 10;
/** Node answers without a body, before the gateway sees the request: no Host, or an Expect that nobody meets. */
const BARE_STATUSES = new Set([400, 417]);
const STATUSES_5XX_ALLOWED = new Set(['503 kafka-unavailable']);

interface Tally {
  answers: Record<string, number>;
  kinds: Record<string, number>;
  accepted: number;
  failed: number;
  closed: number;
  cut: number;
  slowestMs: number;
  findings: string[];
}

/** Sends `requests` items; `onProgress` hears how many are done. */
export async function fuzzGateway(
  seed: number,
  requests: number,
  onProgress: (done: number) => void,
): Promise<GatewayReport> {
  const gateway = await startGateway();
  try {
    const tally: Tally = {
      answers: {},
      kinds: {},
      accepted: 0,
      failed: 0,
      closed: 0,
      cut: 0,
      slowestMs: 0,
      findings: [],
    };
    const beganAt = performance.now();
    const samples: Memory[] = [];
    for (let part = 1; part <= PARTS; part++) {
      const from = Math.floor((requests * (part - 1)) / PARTS);
      await sendItems(gateway, tally, { seed, from, to: Math.floor((requests * part) / PARTS), onProgress });
      samples.push(await gateway.memory());
    }
    const seconds = (performance.now() - beganAt) / 1000;
    const recordsInLog = await gateway.recordsInLog();
    if (!gateway.alive()) tally.findings.push('the gateway’s process has ended');
    if (recordsInLog < tally.accepted || recordsInLog > tally.accepted + tally.failed) {
      tally.findings.push(`${recordsInLog} records are in the log, ${tally.accepted} were answered as accepted`);
    }
    const logTail = tally.findings.length > 0 ? gateway.logTail() : '';
    const rate = Math.round(requests / seconds);
    return { requests, ...tally, recordsInLog, seconds, rate, memory: samples, logTail };
  } finally {
    await gateway.stop();
  }
}

interface Range {
  seed: number;
  from: number;
  to: number;
  onProgress: (done: number) => void;
}

async function sendItems(
  gateway: GatewayUnderTest,
  tally: Tally,
  { seed, from, to, onProgress }: Range,
): Promise<void> {
  let next = from;
  const lane = async (): Promise<void> => {
    const connection = new Connection(gateway.port);
    for (let item = next++; item < to && tally.findings.length < FINDINGS_MAX && gateway.alive(); item = next++) {
      await sendItem(connection, tally, seed, item);
      onProgress(item);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

async function sendItem(connection: Connection, tally: Tally, seed: number, number: number): Promise<void> {
  const item = itemOf(seed, number);
  const beganAt = performance.now();
  add(tally.kinds, item.kind);
  try {
    account(tally, item, await connection.exchange(item));
  } catch (error) {
    connection.close();
    const found = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const shown = item.bytes.subarray(0, 300).toString('latin1');
    tally.findings.push(`${found} (${item.kind}, seed ${seed}, item ${number}): ${JSON.stringify(shown)}`);
  }
  tally.slowestMs = Math.max(tally.slowestMs, performance.now() - beganAt);
}

function account(tally: Tally, { expect }: Item, { answers, closed, rest }: Exchange): void {
  if (expect === 'cut') {
    tally.cut++;
    return;
  }
  if (expect === 'raw') {
    // The last answer is that of the request behind the item.
    for (const answer of closed ? answers : answers.slice(0, -1)) accountAnswer(tally, answer);
    if (closed) tally.closed++;
  } else {
    for (const answer of answers) accountAnswer(tally, answer);
    if (closed && answers.length < expect.whole)
      throw new Error(`${answers.length} of ${expect.whole} answers, then closed`);
  }
  // Behind a raw item that is answered may come the answer to a second request behind it.
  if (rest !== '' && (closed || expect !== 'raw'))
    throw new Error(`${rest.length} bytes that are no answer: ${JSON.stringify(rest.slice(0, 100))}`);
}

interface EventsBody {
  accepted: number;
  refused: number;
  failed: number;
  events: { status: string }[];
}

function accountAnswer(tally: Tally, { status, headers, body }: Answer): void {
  if (BARE_STATUSES.has(status) && body === '') {
    add(tally.answers, `${status} without a body`);
    return;
  }
  const content = JSON.parse(body) as Partial<EventsBody & { code: string; status: number }>;
  const name = status < 300 ? String(status) : `${status} ${content.code}`;
  add(tally.answers, name);
  if (status >= 500 && !STATUSES_5XX_ALLOWED.has(name)) throw new Error(`answer ${name}`);
  if (status >= 300 && (content.code === undefined || content.status !== status))
    throw new Error('no problem document');
  if (status >= 300 && headers.get('content-type') !== 'application/problem+json') throw new Error('no problem type');
  if (content.events === undefined) {
    if (status === 202 || status === 207) throw new Error('an acceptance without its events');
    return;
  }
  const { accepted = 0, refused = 0, failed = 0, events } = content;
  if (accepted + refused + failed !== events.length) throw new Error('the answer’s counts do not add up');
  if (status >= 300 && accepted > 0) throw new Error('an event was accepted by an answer that says otherwise');
  tally.accepted += accepted;
  tally.failed += failed;
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
