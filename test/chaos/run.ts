/**
 * One chaos run: traffic, consumers that fail as planned, servers that are killed, and in the end the verdict.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random, type SendAllResult, Truth } from '@tally/simulator';
import { Lives, type UnplannedEnd } from './consumers.ts';
import { FailPlans } from './fail-plans.ts';
import { type ChaosForm, faultsWanted, SERVER_FAULTS, type ServerFault } from './form.ts';
import { Monitor } from './monitor.ts';
import { INJECT } from './server-faults.ts';
import { type ChaosSystem, stalled } from './system.ts';
import { Pace, sendStream, streamOf } from './traffic.ts';

export interface ChaosOptions {
  seed: number;
  form: ChaosForm;
  /** End of the simulated 14 months, UTC. */
  until: Date;
  /** Told a line of progress every few seconds. */
  say: (line: string) => void;
}

/** A fault that was done to a server or to the group. */
export interface DoneFault {
  fault: ServerFault;
  /** Since the run began, seconds. */
  at: number;
  /** Records in the log and not yet counted when it began. */
  lag: number;
  detail: string;
  skipped?: true;
  missed?: true;
}

/** What happened, before it is known whether it did any harm. */
export interface Chaos {
  truth: Truth;
  sent: SendAllResult;
  plans: FailPlans;
  serverFaults: DoneFault[];
  unplanned: UnplannedEnd[];
  /** Lives of all consumers. */
  lives: number;
  /** Until everything was counted and committed, milliseconds. */
  durationMs: number;
}

/** Of the stream, sent before the first fault. */
const LEAD_SHARE = 0.03;
const SAY_EVERY_MS = 5_000;
const WAIT_BETWEEN_MS_MAX = 1_500;
const POLL_MS = 100;
/** Without any progress for this long something is wrong; the longest outage and what follows it is shorter. */
const STALLED_MS_MAX = 300_000;
/** Progress after a fault is waited for this long; then the next one may hit a system that has not recovered. */
const RECOVERY_MS_MAX = 60_000;
/** Longer than a consumer takes to come back to what is left. */
const NOTHING_LEFT_MS = 20_000;
/** Profile records come on top of the events. */
const SENDS_PER_EVENT = 1.125;

/** Runs the chaos on a system; when it resolves, everything sent is counted and no consumer runs any more. */
export async function runChaos(system: ChaosSystem, options: ChaosOptions, stop: AbortSignal): Promise<Chaos> {
  const run = new Run(system, options, stop);
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

class Run {
  readonly #system: ChaosSystem;
  readonly #options: ChaosOptions;
  readonly #stop: AbortSignal;
  readonly #startedAt = Date.now();
  readonly #monitor: Monitor;
  readonly #plans: FailPlans;
  readonly #random: Random;
  readonly #consumers: Lives[];
  readonly #pace: Pace;
  readonly #done: DoneFault[] = [];
  readonly #unplanned: UnplannedEnd[] = [];
  readonly #saying: NodeJS.Timeout;
  #now = 'starting';
  /** A server is away on purpose, or all faults are done. */
  #open = false;

  constructor(system: ChaosSystem, options: ChaosOptions, stop: AbortSignal) {
    const { seed, form } = options;
    this.#system = system;
    this.#options = options;
    this.#stop = stop;
    this.#monitor = new Monitor(system);
    this.#plans = new FailPlans(new Random(seed, 101), form);
    this.#random = new Random(seed, 102);
    this.#pace = new Pace((passed) => this.#hasRoom(passed));
    this.#consumers = Array.from(
      { length: form.consumers },
      (_, index) =>
        new Lives({
          name: `consumer-${index + 1}`,
          dir: system.dir,
          env: system.env,
          plans: this.#plans,
          onUnplanned: (end) => this.#unplanned.push(end),
        }),
    );
    this.#saying = setInterval(() => this.#say(), SAY_EVERY_MS);
  }

  async run(): Promise<Chaos> {
    const { seed, form, until } = this.#options;
    const truth = new Truth();
    const sends = streamOf({ seed, events: form.events, until });
    const sending = sendStream(this.#system, { sends, truth, pace: this.#pace });
    let isSent = false;
    let sendingFailed: unknown;
    sending.then(
      () => {
        isSent = true;
      },
      (error: unknown) => {
        sendingFailed = error;
      },
    );
    const check = (): void => {
      if (sendingFailed !== undefined) throw sendingFailed;
      this.#check();
    };
    for (const consumer of this.#consumers) consumer.begin();
    await this.#hurtServers(check);
    this.#now = 'all server faults done';
    // When nothing is left to be counted, nobody gets to a place any more: the verdict says what is missing.
    while (!this.#plans.done() && !(isSent && Date.now() - this.#monitor.movedAt > NOTHING_LEFT_MS)) {
      check();
      await sleep(POLL_MS);
    }
    this.#plans.calmDown();
    this.#open = true;
    this.#now = 'sending the rest';
    while (!isSent) {
      check();
      await sleep(POLL_MS);
    }
    const sent = await sending;
    this.#now = 'working off the rest';
    await this.#untilCounted(check);
    const durationMs = Date.now() - this.#startedAt;
    await this.end();
    const lives = this.#consumers.reduce((sum, { count }) => sum + count, 0);
    const { plans, serverFaults, unplanned } = {
      plans: this.#plans,
      serverFaults: this.#done,
      unplanned: this.#unplanned,
    };
    return { truth, sent, plans, serverFaults, unplanned, lives, durationMs };
  }

  async end(): Promise<void> {
    clearInterval(this.#saying);
    this.#plans.calmDown();
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    await this.#monitor.stop();
  }

  /** The servers' faults, one after the other, each when there was progress since the last. */
  async #hurtServers(check: () => void): Promise<void> {
    const { form } = this.#options;
    const context = { system: this.#system, form, random: this.#random };
    for (const fault of this.#schedule()) {
      await this.#untilMoving(check);
      await sleep(this.#random.int(WAIT_BETWEEN_MS_MAX));
      check();
      this.#now = fault;
      const at = Math.round((Date.now() - this.#startedAt) / 1000);
      const { lag } = this.#monitor;
      const injected = await INJECT[fault](context);
      this.#done.push({ fault, at, lag, ...injected });
      this.#monitor.movedAt = Date.now();
      this.#now = `after ${fault}`;
    }
  }

  #schedule(): ServerFault[] {
    const { server } = this.#options.form;
    const faults = SERVER_FAULTS.flatMap((fault) => Array.from({ length: server[fault] }, () => fault));
    for (let index = faults.length - 1; index > 0; index--) {
      const other = this.#random.int(index + 1);
      const [one, two] = [faults[index], faults[other]];
      if (one !== undefined && two !== undefined) [faults[index], faults[other]] = [two, one];
    }
    return faults;
  }

  async #untilMoving(check: () => void): Promise<void> {
    const from = this.#monitor.committed;
    for (const since = Date.now(); this.#monitor.committed <= from; await sleep(POLL_MS)) {
      check();
      if (Date.now() - since > RECOVERY_MS_MAX) return;
    }
  }

  async #untilCounted(check: () => void): Promise<void> {
    for (;;) {
      check();
      const looked = await this.#monitor.refresh().then(
        () => true,
        () => false,
      );
      if (looked && this.#monitor.lag === 0) return;
      await sleep(POLL_MS);
    }
  }

  /** Sends keep step with the faults, and some are always under way. */
  #hasRoom(passed: number): boolean {
    if (this.#open) return true;
    const { events, backlogMin } = this.#options.form;
    const all = events * SENDS_PER_EVENT;
    const share = (this.#plans.progress() + this.#done.length) / faultsWanted(this.#options.form);
    return passed < Math.max(all * (LEAD_SHARE + (1 - LEAD_SHARE) * share), this.#monitor.committed + backlogMin);
  }

  #check(): void {
    this.#stop.throwIfAborted();
    const refused = this.#unplanned.find((end) => end.refused);
    if (refused) throw stalled(`${refused.consumer} refused to go on: ${refused.lastWords}`);
    if (Date.now() - this.#monitor.movedAt > STALLED_MS_MAX && this.#monitor.lag > 0) {
      throw stalled(`no progress for ${STALLED_MS_MAX / 1000} s with a lag of ${this.#monitor.lag} records`);
    }
  }

  #say(): void {
    const { form, say } = this.#options;
    const seconds = Math.round((Date.now() - this.#startedAt) / 1000);
    const wanted = Object.values(form.server).reduce((sum, times) => sum + times, 0);
    say(
      `${String(seconds).padStart(5)} s  in the log ${this.#monitor.inLog}, lag ${this.#monitor.lag}, ` +
        `consumers killed ${this.#plans.killsDone()}, frozen ${this.#plans.freezesDone()}, ` +
        `server faults ${this.#done.length} of ${wanted} (${this.#now})`,
    );
  }
}
