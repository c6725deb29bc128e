/**
 * Tenants whose interactions walk up and down over the levels of their quota, and what must be told of that: the rules and
 * the pure state, held against each figure once, by a process that nobody kills.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AlertChange, type AlertState, alertStates, findingsOf, nextChanges, rulesInForce } from '@tally/alerts';
import { changeLicences } from '@tally/figures';
import { dayOf } from '@tally/metering';
import type { Random } from '@tally/simulator';
import { beginSilence, observeTenants } from '@tally/watch';
import { WrittenLog } from '../../support/written-log.ts';
import type { ChaosSystem } from '../system.ts';

/** Tenants that walk at a time; each for so many rounds. */
const WALKING = 10;
const ROUNDS_EACH = 12;
const MOVES = 0.8;
/** One of so many tenants is silenced: its alerts happen, and are not told. */
const SILENCED_EVERY = 8;
/** Engaged people owned; each brings ten interactions a month. */
const PEOPLE = 10;
/** Interactions from which to which, of the 100 that are owned: below every level, and at each of them. */
const BANDS = [
  [50, 76],
  [81, 88],
  [91, 97],
  [100, 120],
] as const;
const YEAR_MS = 365 * 86_400_000;

interface Tenant {
  id: string;
  silenced: boolean;
  /** Numbers of the events that count. */
  counted: number[];
  rounds: number;
}

/** A change that is to be, as far as it does not depend on the moment. */
export interface ExpectedChange extends Pick<AlertChange, 'id' | 'change'> {
  severity: string;
  value: number;
  told: boolean;
}

export class Tenants {
  readonly #system: ChaosSystem;
  readonly #random: Random;
  readonly #clock: () => number;
  readonly #written: WrittenLog;
  readonly #states = new Map<string, AlertState[]>();
  #walking: Tenant[] = [];
  #moved: Tenant[] = [];
  /** Tenants so far. */
  count = 0;
  readonly expected = new Map<string, ExpectedChange>();
  readonly positionsFile: string;

  private constructor(
    system: ChaosSystem,
    { random, clock, written }: { random: Random; clock: () => number; written: WrittenLog },
  ) {
    this.#system = system;
    this.#random = random;
    this.#clock = clock;
    this.#written = written;
    this.positionsFile = join(system.dir, 'run', 'positions.json');
    writeFileSync(this.positionsFile, JSON.stringify(written.positions()));
  }

  /** @param clock the tenants' time, milliseconds since 1970-01-01 UTC */
  static async create(
    system: ChaosSystem,
    { random, clock, partitions }: { random: Random; clock: () => number; partitions: number },
  ): Promise<Tenants> {
    return new Tenants(system, { random, clock, written: await WrittenLog.open(system, partitions) });
  }

  /** A step of most tenants, as the consumer would write and commit it. */
  async move(): Promise<void> {
    this.#walking = this.#walking.filter(({ rounds }) => rounds < ROUNDS_EACH);
    while (this.#walking.length < WALKING) this.#walking.push(await this.#arrive());
    this.#moved = this.#walking.filter(() => this.#random.chance(MOVES));
    const day = dayOf(this.#clock());
    const steps = this.#moved.map((tenant) => ({ tenant, by: this.#step(tenant) }));
    const events = steps.flatMap(({ tenant: { id: tenantId, counted }, by }) => {
      const event = { tenantId, entity: 1, day };
      // Each step goes one way: whoever looks in its middle sees no level that it does not pass.
      if (by >= 0) return Array.from({ length: by }, () => event);
      return counted.slice(by).map((voids) => ({ ...event, voids }));
    });
    let next = await this.#written.write(...events);
    for (const { tenant, by } of steps) {
      tenant.rounds++;
      for (let added = 0; added < by; added++) tenant.counted.push(next + added);
      if (by < 0) tenant.counted.splice(by);
      next += Math.abs(by);
    }
    writeFileSync(this.positionsFile, JSON.stringify(this.#written.positions()));
  }

  /** Adds what the step must lead to. */
  async expect(): Promise<void> {
    const now = this.#clock();
    const silenced = new Map(this.#moved.map((tenant) => [tenant.id, tenant.silenced]));
    const rules = rulesInForce();
    for (const seen of await observeTenants(this.#system.clickhouse, { tenants: [...silenced.keys()], now })) {
      const known = this.#states.get(seen.tenantId) ?? [];
      const changes = nextChanges(known, findingsOf(rules, seen), { now, rules });
      this.#states.set(seen.tenantId, alertStates(changes, known));
      for (const { id, change, alert } of changes) {
        const told = silenced.get(seen.tenantId) !== true;
        this.expected.set(id, { id, change, severity: alert.severity, value: alert.value, told });
      }
    }
  }

  async #arrive(): Promise<Tenant> {
    const { clickhouse } = this.#system;
    const id = `walker-${++this.count}`;
    const silenced = this.count % SILENCED_EVERY === 0;
    const now = this.#clock();
    const base = { sku: 'ci-interacted-people-t1', quantity: 1, packSize: PEOPLE, endsOn: null };
    const lines = [{ ...base, startsOn: dayOf(now - YEAR_MS) }];
    await changeLicences(clickhouse, { tenantId: id, now, by: 'chaos', because: 'a walk', lines });
    if (silenced) {
      const [from, until] = [new Date(now).toISOString(), new Date(now + YEAR_MS).toISOString()];
      const about = { tenantId: id, rule: null, subject: null, by: 'chaos', reason: 'not to be told' };
      await beginSilence(clickhouse, { ...about, from, until }, now);
    }
    return { id, silenced, counted: [], rounds: 0 };
  }

  /** So many interactions more or fewer: anywhere in another band, or one to and fro. */
  #step({ counted }: Tenant): number {
    const used = counted.length;
    if (used > 0 && this.#random.chance(0.2)) return this.#random.pick([-1, 1]);
    const [from, to] = this.#random.pick(BANDS.filter(([low, high]) => used < low || used > high));
    return from + this.#random.int(to - from + 1) - used;
  }
}
