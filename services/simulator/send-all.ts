/**
 * Sends a stream by its three lanes and tells the truth of every send. In memory at one time are at most
 * `clientInFlightMax` calls, `rawBatchSize` raw records, and for each of `gatewayConnections` the open batch and
 * `gatewayBatchesWaitingMax` more, one of them on its way.
 */
import { recordKey } from '@tally/schemas';
import { ClientLane, type ProducerCalls } from './client-lane.ts';
import { GatewayClient } from './gateway-client.ts';
import { GatewayLane } from './gateway-lane.ts';
import { hashText } from './hash.ts';
import { Report } from './report.ts';
import type { RawRecord, Send } from './sends.ts';
import type { Truth } from './truth.ts';

export interface SendAllOptions {
  sends: Iterable<Send>;
  producer: ProducerCalls;
  /** Where the gateway listens, for example `http://127.0.0.1:8080`. */
  gatewayUrl: string;
  /** Key for `Authorization: Bearer`. */
  gatewayKey: string;
  /** A plain Kafka send; `topic` says which of the two, without prefix or version. Resolves when acknowledged. */
  sendRaw: (records: RawRecord[]) => Promise<void>;
  truth: Truth;
  /** Told now and then, and at the end, how many sends were taken from the stream. */
  onProgress?: (sent: number) => void;
  /** Calls to the client in flight. Default 10,000. */
  clientInFlightMax?: number;
  /** Events in one request. Default 500. */
  gatewayBatchSize?: number;
  /** Connections to the gateway; an entity keeps to one. Default 4. */
  gatewayConnections?: number;
  /** Batches posted or waiting for their connection, on each of them. Default 3. */
  gatewayBatchesWaitingMax?: number;
  /** Raw records in one send. Default 100. */
  rawBatchSize?: number;
  /** How long one request is tried while the gateway is busy or away, milliseconds. Default 120,000. */
  outageMsMax?: number;
  /** Wait before a repetition when nobody names one, milliseconds. Default 500. */
  retryWaitMs?: number;
}

/** What came of it: `Report` with the number of sends taken from the stream. */
export type SendAllResult = Omit<Report, 'surprise'> & { sent: number };

const DEFAULTS = {
  clientInFlightMax: 10_000,
  gatewayBatchSize: 500,
  gatewayConnections: 4,
  gatewayBatchesWaitingMax: 3,
  rawBatchSize: 100,
  outageMsMax: 120_000,
  retryWaitMs: 500,
} as const;

const PROGRESS_EVERY_SENDS = 500;

/**
 * Sends everything and resolves when all of it is acknowledged or refused. What is answered otherwise than it must be
 * stands in `surprises`. Rejects with the error of whatever ends sending for good: a TallyError of the client (closed) or
 * of the gateway (`GATEWAY_AWAY`, `GATEWAY_ANSWER`), or what `sendRaw` rejects with.
 */
export async function sendAll(options: SendAllOptions): Promise<SendAllResult> {
  const report = new Report();
  const lanes = lanesOf(options, report);
  const { truth, onProgress } = options;
  let sent = 0;
  for (const send of options.sends) {
    truth.add(send);
    const room = lanes.add(send);
    if (room) await room;
    sent++;
    if (sent % PROGRESS_EVERY_SENDS === 0) onProgress?.(sent);
  }
  await lanes.end();
  onProgress?.(sent);
  const { client, gateway, refused, raw, requests, uncertainRetries, surprises, surpriseCount } = report;
  return { sent, client, gateway, refused, raw, requests, uncertainRetries, surprises, surpriseCount };
}

interface Lanes {
  /** Takes a send; resolves when the next one may be added. */
  add(send: Send): Promise<void>;
  /** Resolves when everything is acknowledged or refused. */
  end(): Promise<void>;
}

function lanesOf(options: SendAllOptions, report: Report): Lanes {
  const limit = <Name extends keyof typeof DEFAULTS>(name: Name) => options[name] ?? DEFAULTS[name];
  const { producer, gatewayUrl: url, gatewayKey: key } = options;
  const retryWaitMs = limit('retryWaitMs');
  const client = new ClientLane({ producer, inFlightMax: limit('clientInFlightMax'), retryWaitMs, report });
  const gatewayClient = new GatewayClient({ url, key, outageMsMax: limit('outageMsMax'), retryWaitMs, report });
  const batchSize = limit('gatewayBatchSize');
  const batchesWaitingMax = limit('gatewayBatchesWaitingMax');
  const gateway = Array.from(
    { length: limit('gatewayConnections') },
    () => new GatewayLane({ client: gatewayClient, batchSize, batchesWaitingMax, report }),
  );
  const raw = new RawLane(options.sendRaw, limit('rawBatchSize'), report);
  return {
    add: (send) => {
      if (send.kind === 'raw') return raw.add(send.raw);
      if (send.kind === 'record' && send.lane === 'client') return client.add(send.record);
      return connectionOf(gateway, send).add(send);
    },
    end: async () => {
      await Promise.all([client.end(), raw.end(), ...gateway.map((lane) => lane.end())]);
    },
  };
}

type GatewaySend = Exclude<Send, { kind: 'raw' }>;

/** The same connection for all that shares a key. */
function connectionOf(lanes: readonly GatewayLane[], send: GatewaySend): GatewayLane {
  const hash = send.kind === 'record' ? hashText(recordKey(send.record)) : hashText(send.refused.rule);
  // The lowest bit chose the lane.
  const lane = lanes[(hash >>> 1) % lanes.length];
  if (!lane) throw new RangeError('gatewayConnections must be at least 1');
  return lane;
}

/** Collects raw records; their order among the others does not matter, as none of them ever counts. */
class RawLane {
  readonly #send: (records: RawRecord[]) => Promise<void>;
  readonly #batchSize: number;
  readonly #report: Report;
  #open: RawRecord[] = [];

  constructor(send: (records: RawRecord[]) => Promise<void>, batchSize: number, report: Report) {
    this.#send = send;
    this.#batchSize = batchSize;
    this.#report = report;
  }

  async add({ topic, key, value }: RawRecord): Promise<void> {
    this.#open.push({ topic, key, value });
    if (this.#open.length >= this.#batchSize) await this.end();
  }

  async end(): Promise<void> {
    const records = this.#open;
    if (records.length === 0) return;
    this.#open = [];
    await this.#send(records);
    this.#report.raw += records.length;
  }
}
