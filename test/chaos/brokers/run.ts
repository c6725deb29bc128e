/**
 * Brokers are killed under a steady load; then everything acknowledged must be counted exactly once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeCounts } from '@tally/figures';
import { TallyProducer } from '@tally/producer';
import { Random } from '@tally/simulator';
import { type AuditFindings, auditLog } from '../audit.ts';
import { log, stalled } from '../system.ts';
import { type Acknowledgement, Load } from './load.ts';
import { ADMIN_KEY, BrokersSystem } from './system.ts';

export const BROKER_FAULTS = ['leader', 'coordinator', 'controller', 'frozen leader', 'two brokers'] as const;
export type BrokerFault = (typeof BROKER_FAULTS)[number];

export interface BrokersForm {
  name: 'full' | 'short';
  faults: Readonly<Record<BrokerFault, number>>;
  perSecond: number;
  partitions: number;
  /** How long two brokers are away, and how long a frozen one stands still. */
  outageMs: number;
}

export const FULL_BROKERS: BrokersForm = {
  name: 'full',
  faults: { leader: 5, coordinator: 3, controller: 3, 'frozen leader': 1, 'two brokers': 1 },
  perSecond: 200,
  partitions: 6,
  outageMs: 20_000,
};

export const SHORT_BROKERS: BrokersForm = {
  name: 'short',
  faults: { leader: 1, coordinator: 0, controller: 0, 'frozen leader': 0, 'two brokers': 1 },
  perSecond: 50,
  partitions: 3,
  outageMs: 5_000,
};

export interface BrokersOptions {
  dir: string;
  seed: number;
  form: BrokersForm;
  say: (line: string) => void;
  stop: AbortSignal;
}

export interface DoneBrokerFault {
  fault: BrokerFault;
  brokers: number[];
  /** Since the load began, seconds. */
  at: number;
  /** Longest time without a 202, and without a resolved call of the producer, from the fault on, milliseconds. */
  withoutGatewayMs: number;
  withoutProducerMs: number;
  /** With two brokers away: events acknowledged meanwhile, which there must not be. */
  acknowledgedMeanwhile: number;
}

export interface BrokersReport {
  ok: boolean;
  seed: number;
  form: BrokersForm['name'];
  durationMs: number;
  events: number;
  acknowledged: number;
  answers: Record<string, number>;
  faults: DoneBrokerFault[];
  lost: number;
  countedTwice: number;
  outcomes: Partial<Record<string, number>>;
  audit: AuditFindings;
  differences: string[];
}

const TENANT = 'contoso';
const BEFORE_FIRST_MS = 4_000;
const AFTER_EACH_MS = 3_000;
/** A request that a broker took before it was away may still be answered. */
const UNDER_WAY_MS = 1_500;
const LOOK_MS = 20;
const SAY_EVERY_MS = 5_000;
/** A load is back when both ways were acknowledged again. */
const BACK_MS_MAX = 90_000;
const EXAMPLES_MAX = 20;

export async function runBrokers(options: BrokersOptions): Promise<BrokersReport> {
  const { dir, form, say } = options;
  const startedAt = Date.now();
  const system = await BrokersSystem.start(dir, form.partitions, ({ service, kind }) => {
    if (kind === 'exited' || kind === 'ready') say(`        ${service} ${kind}`);
  });
  const producer = new TallyProducer({ brokers: [system.stack.kafka], clientId: 'tally-chaos-producer', log });
  try {
    return await new Run(system, producer, options, startedAt).run();
  } finally {
    await producer.close();
    await system.stop();
  }
}

class Run {
  readonly #system: BrokersSystem;
  readonly #options: BrokersOptions;
  readonly #startedAt: number;
  readonly #random: Random;
  readonly #load: Load;
  readonly #done: DoneBrokerFault[] = [];
  #now = 'before the first fault';

  constructor(system: BrokersSystem, producer: TallyProducer, options: BrokersOptions, startedAt: number) {
    this.#system = system;
    this.#options = options;
    this.#startedAt = startedAt;
    this.#random = new Random(options.seed, 301);
    this.#load = new Load({
      ...{ gateway: system.gateway, adminKey: ADMIN_KEY, producer, tenantId: TENANT },
      perSecond: options.form.perSecond,
      random: new Random(options.seed, 302),
    });
  }

  async run(): Promise<BrokersReport> {
    const { stop, say } = this.#options;
    const saying = setInterval(() => {
      const { events, acknowledged } = this.#load;
      say(`${this.#seconds()} s  events ${events}, acknowledged ${acknowledged.size} (${this.#now})`);
    }, SAY_EVERY_MS);
    try {
      await this.#system.untilWhole(stop);
      this.#load.start();
      await sleep(BEFORE_FIRST_MS);
      for (const fault of this.#schedule()) {
        stop.throwIfAborted();
        await this.#injure(fault);
        this.#now = `after ${fault}, until all is in sync`;
        await this.#system.untilWhole(stop);
        await sleep(AFTER_EACH_MS);
      }
      this.#now = 'the rest';
      await this.#load.finish();
      await this.#system.untilCounted(stop);
      this.#now = 'reading everything back';
      return await this.#judge();
    } finally {
      clearInterval(saying);
    }
  }

  #schedule(): BrokerFault[] {
    const { faults } = this.#options.form;
    const wanted = BROKER_FAULTS.flatMap((fault) => Array.from({ length: faults[fault] }, () => fault));
    for (let index = wanted.length - 1; index > 0; index--) {
      const other = this.#random.int(index + 1);
      const [one, two] = [wanted[index], wanted[other]];
      if (one !== undefined && two !== undefined) [wanted[index], wanted[other]] = [two, one];
    }
    return wanted;
  }

  async #injure(fault: BrokerFault): Promise<void> {
    const brokers = await this.#victims(fault);
    this.#now = `${fault}: ${brokers.join(' and ')}`;
    const at = Date.now();
    const { outageMs } = this.#options.form;
    if (fault === 'two brokers') await this.#keepAway(brokers, outageMs);
    else if (fault === 'frozen leader') await this.#freeze(brokers, outageMs);
    else for (const nodeId of brokers) this.#signal(nodeId, 'SIGKILL');
    const endedAt = Date.now();
    await this.#untilBack(fault === 'two brokers' ? endedAt : at);
    const meanwhile = this.#load.acknowledgements.filter((one) => one.at > at + UNDER_WAY_MS && one.at < endedAt);
    this.#done.push({
      fault,
      brokers,
      at: Math.round((at - this.#startedAt) / 1000),
      withoutGatewayMs: longestWithout(this.#load.acknowledgements, 'gateway', at),
      withoutProducerMs: longestWithout(this.#load.acknowledgements, 'producer', at),
      acknowledgedMeanwhile: fault === 'two brokers' ? meanwhile.reduce((sum, { events }) => sum + events, 0) : 0,
    });
  }

  async #victims(fault: BrokerFault): Promise<number[]> {
    const leader = await this.#system.leader();
    if (fault === 'coordinator') return [await this.#system.coordinator()];
    if (fault === 'controller') return [this.#system.controller()];
    if (fault === 'two brokers') return [leader, (leader % this.#system.stack.brokers.length) + 1];
    return [leader];
  }

  /** Every process of theirs is killed as soon as there is one. */
  async #keepAway(brokers: readonly number[], ms: number): Promise<void> {
    const killed = new Set<number>();
    for (const from = Date.now(); Date.now() - from < ms; await sleep(LOOK_MS)) {
      for (const nodeId of brokers) {
        const pid = this.#system.pid(nodeId);
        if (pid === undefined || killed.has(pid)) continue;
        killed.add(pid);
        process.kill(pid, 'SIGKILL');
      }
    }
  }

  async #freeze(brokers: readonly number[], ms: number): Promise<void> {
    for (const nodeId of brokers) this.#signal(nodeId, 'SIGSTOP');
    await sleep(ms);
    for (const nodeId of brokers) this.#signal(nodeId, 'SIGCONT');
  }

  #signal(nodeId: number, signal: NodeJS.Signals): void {
    const pid = this.#system.pid(nodeId);
    if (pid === undefined) throw stalled(`broker ${nodeId} has no process`);
    process.kill(pid, signal);
  }

  /** Resolves when both ways have been acknowledged something again. */
  async #untilBack(since: number): Promise<void> {
    for (const deadline = Date.now() + BACK_MS_MAX; ; await sleep(LOOK_MS)) {
      this.#options.stop.throwIfAborted();
      const after = this.#load.acknowledgements.filter(({ at }) => at > since + UNDER_WAY_MS);
      if (after.some(({ way }) => way === 'gateway') && after.some(({ way }) => way === 'producer')) return;
      if (Date.now() > deadline) throw stalled(`nothing was acknowledged for ${BACK_MS_MAX} ms`);
    }
  }

  async #judge(): Promise<BrokersReport> {
    const { clickhouse, topics } = this.#system;
    const rows = await clickhouse.query<{ event_id: string }>(
      'SELECT DISTINCT event_id FROM interactions WHERE tenant_id = {tenant:String}',
      { tenant: TENANT },
    );
    const counted = new Set(rows.map(({ event_id }) => event_id));
    const lost = [...this.#load.acknowledged].filter((id) => !counted.has(id));
    const outcomes = await outcomeCounts(clickhouse, topics.interactions);
    const countedTwice = (outcomes.counted ?? 0) - counted.size;
    const audit = await auditLog(this.#system);
    const differences = [
      ...lost.slice(0, EXAMPLES_MAX).map((id) => `lost: ${id}`),
      ...(countedTwice === 0 ? [] : [`${countedTwice} positions are counted beyond one for each event`]),
      ...(outcomes['dead-letter'] ? [`${outcomes['dead-letter']} records are dead letters`] : []),
      ...this.#done
        .filter(({ acknowledgedMeanwhile }) => acknowledgedMeanwhile > 0)
        .map((one) => `${one.acknowledgedMeanwhile} events acknowledged with two brokers away`),
      ...audit.differences,
      ...this.#load.surprises.slice(0, EXAMPLES_MAX),
    ];
    const { seed, form } = this.#options;
    return {
      ok: differences.length === 0,
      seed,
      form: form.name,
      durationMs: Date.now() - this.#startedAt,
      events: this.#load.events,
      acknowledged: this.#load.acknowledged.size,
      answers: Object.fromEntries(this.#load.answers),
      faults: this.#done,
      lost: lost.length,
      countedTwice,
      outcomes,
      audit,
      differences,
    };
  }

  #seconds(): string {
    return String(Math.round((Date.now() - this.#startedAt) / 1000)).padStart(5);
  }
}

/** The longest time between two acknowledgements of a way, of those that end after `since`. */
function longestWithout(all: readonly Acknowledgement[], way: Acknowledgement['way'], since: number): number {
  let longest = 0;
  let last = since;
  for (const { at } of all.filter((one) => one.way === way && one.at >= since)) {
    longest = Math.max(longest, at - last);
    last = at;
  }
  return longest;
}
