/**
 * One connection's worth of the gateway lane: collects events into batches and posts them one request after the other,
 * so that what is added in an order reaches the log in that order. Now and then an event goes alone, in structured or
 * binary mode.
 */
import { type CloudEvent, cloudEventOf } from './cloud-event.ts';
import { type Answer, type GatewayClient, isAccepted, isRefused } from './gateway-client.ts';
import type { Report } from './report.ts';
import { identityOf, type RecordSend, type RefusedSend } from './sends.ts';

export interface GatewayLaneOptions {
  client: GatewayClient;
  /** Events in one request. */
  batchSize: number;
  /** Full batches that wait for the connection; further events wait for room. */
  batchesWaitingMax: number;
  report: Report;
}

interface Entry {
  cloudEvent: Record<string, unknown>;
  /** The rule it breaks, when the gateway must refuse it. */
  rule: string | undefined;
  /** Undefined for what is to be refused. */
  sent: CloudEvent | undefined;
}

type Mode = 'batch' | 'structured' | 'binary';

/** After so many batches one event goes alone in structured mode and one in binary mode. */
const SINGLES_EVERY_BATCHES = 10;

export class GatewayLane {
  readonly #options: GatewayLaneOptions;
  #open: Entry[] = [];
  /** The identities in the open batch, with the content each has there. */
  #contents = new Map<string, string>();
  readonly #waiting: Promise<void>[] = [];
  #batches = 0;
  #failure: unknown;

  constructor(options: GatewayLaneOptions) {
    this.#options = options;
  }

  /** Takes an event; resolves when the next one may be added. Throws what ended the connection for good. */
  async add(send: RecordSend | RefusedSend): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (send.kind === 'refused') {
      const { cloudEvent, rule } = send.refused;
      this.#open.push({ cloudEvent, rule, sent: undefined });
    } else {
      this.#addRecord(send);
    }
    if (this.#open.length >= this.#options.batchSize) this.#post('batch');
    while (this.#waiting.length > this.#options.batchesWaitingMax) await this.#waiting[0];
  }

  /** Posts what is left and resolves when all is answered. Throws what ended the connection for good. */
  async end(): Promise<void> {
    this.#post('batch');
    await this.#waiting.at(-1);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #addRecord({ record }: RecordSend): void {
    const cloudEvent = cloudEventOf(record);
    const identity = identityOf(record);
    const content = JSON.stringify(cloudEvent);
    // A batch may fail in part. Two contents of one event in it could then change places when the first is sent again.
    const earlier = this.#contents.get(identity);
    if (earlier !== undefined && earlier !== content) this.#post('batch');
    const mode = this.#modeOfNext();
    this.#contents.set(identity, content);
    this.#open.push({ cloudEvent, rule: undefined, sent: cloudEvent });
    if (mode !== 'batch') this.#post(mode);
  }

  /** Alone only when no batch is open, so that nothing is overtaken. */
  #modeOfNext(): Mode {
    if (this.#open.length > 0) return 'batch';
    const turn = this.#batches % (SINGLES_EVERY_BATCHES + 2);
    return turn === SINGLES_EVERY_BATCHES ? 'structured' : turn === SINGLES_EVERY_BATCHES + 1 ? 'binary' : 'batch';
  }

  #post(mode: Mode): void {
    if (this.#open.length === 0) return;
    const entries = this.#open;
    this.#open = [];
    this.#contents.clear();
    this.#batches++;
    const before = this.#waiting.at(-1);
    const posted = this.#deliverAfter(before, entries, mode).finally(() => {
      this.#waiting.splice(this.#waiting.indexOf(posted), 1);
    });
    this.#waiting.push(posted);
  }

  async #deliverAfter(before: Promise<void> | undefined, entries: Entry[], mode: Mode): Promise<void> {
    await before;
    if (this.#failure !== undefined) return;
    try {
      await this.#deliver(entries, mode);
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Posts until every event is accepted or refused: what failed for a while is posted again, alone. */
  async #deliver(entries: Entry[], mode: Mode): Promise<void> {
    let open = entries;
    while (open.length > 0) {
      const answer = await this.#request(open, mode);
      this.#options.report.requests++;
      open = open.filter((entry, index) => !this.#isSettled(entry, answer, index));
      if (open.length === 0) return;
      this.#options.report.uncertainRetries += open.length;
      await this.#options.client.pause();
    }
  }

  #request(entries: Entry[], mode: Mode): Promise<Answer> {
    const { client } = this.#options;
    const event = entries[0]?.sent;
    if (mode === 'binary' && event) return client.postBinary(event);
    if (mode === 'structured' && event) return client.postStructured(event);
    return client.postBatch(entries.map(({ cloudEvent }) => cloudEvent));
  }

  #isSettled(entry: Entry, answer: Answer, index: number): boolean {
    const { report } = this.#options;
    const { status, code, detail, retriable } = answer.events[index] ?? {};
    const name = entry.sent ? `${entry.sent.type} ${entry.sent.id}` : `an event that breaks a rule (${entry.rule})`;
    if (isAccepted(answer, index)) {
      report.gateway++;
      if (!entry.sent) report.surprise(`the gateway accepted ${name}`);
      return true;
    }
    if (isRefused(answer, index)) {
      report.refused++;
      if (entry.sent) report.surprise(`the gateway refused ${name}: ${code} ${detail}`);
      return true;
    }
    if (status === 'failed' && retriable === true) return false;
    report.surprise(`the gateway answered ${name} with HTTP ${answer.status}, ${status} ${code} ${detail}`);
    return true;
  }
}
