/**
 * Where a process on the way from a figure to a delivered alert can be killed: before, between and in the middle of its
 * steps. A process dies once, at the nth time it gets to the place of its plan.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouse, type ClickHouseOptions } from '@tally/platform/clickhouse';
import { z } from 'zod';

/** The aggregator's publishing, then its entry in the run log. */
export const AGGREGATOR_PLACES = ['worked-out', 'publishing', 'published', 'run-logged'] as const;

/**
 * The look for alerts: what is seen, decided and stored; then the notifier: who is told, the sending, the record of it. A
 * name that ends in -ing is in the middle of a request.
 */
export const NOTIFIER_PLACES = [
  'observed',
  'decided',
  'storing',
  'stored',
  'look-logged',
  'before-plan',
  'planning',
  'planned',
  'before-send',
  'sending',
  'sent',
  'recording',
  'recorded',
] as const;

export const PLACES = [...AGGREGATOR_PLACES, ...NOTIFIER_PLACES] as const;
export type Place = (typeof PLACES)[number];

export const deathPlan = z.strictObject({
  place: z.enum(PLACES),
  /** 1 is the first time the process gets there. */
  nth: z.int().min(1),
  /** In the middle of a request: how long after its beginning, milliseconds. */
  afterMs: z.int().min(0),
});
export type DeathPlan = z.infer<typeof deathPlan>;

const death = deathPlan.extend({ at: z.int(), pid: z.int() });
/** `at`: when, milliseconds since 1970-01-01 UTC. */
export type Death = z.infer<typeof death>;

/** The signal is on its way when `kill` returns, and stops every thread a moment later. */
const SIGNAL_ARRIVES_MS = 20;

export interface Mortal {
  /** To be awaited between two steps. */
  pass: (place: Place) => Promise<void>;
  /** To be called when a request begins; not awaited, since the request goes on meanwhile. */
  begin: (place: Place) => void;
}

/** As `DEATH_PLAN` says, JSON, or never where it is missing; `DEATH_LOG` names a file that is told before. */
export function mortal(env: Readonly<Record<string, string | undefined>>): Mortal {
  const plan = env['DEATH_PLAN'] === undefined ? undefined : deathPlan.parse(JSON.parse(env['DEATH_PLAN']));
  const log = env['DEATH_LOG'];
  // It is written at a process's end otherwise, which this one may not have.
  flushCompileCache();
  let passes = 0;
  const isTime = (place: Place): boolean => plan?.place === place && ++passes === plan.nth;
  const die = async (): Promise<void> => {
    const line = JSON.stringify({ ...plan, at: Date.now(), pid: process.pid });
    if (log !== undefined) appendFileSync(log, `${line}\n`);
    process.kill(process.pid, 'SIGKILL');
    await sleep(SIGNAL_ARRIVES_MS);
  };
  return {
    pass: async (place) => {
      if (isTime(place)) await die();
    },
    begin: (place) => {
      if (isTime(place)) setTimeout(() => void die(), plan?.afterMs);
    },
  };
}

/** The deaths that have happened, in order. */
export function readDeaths(log: string): Death[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => death.parse(JSON.parse(line)));
}

/** Where a process may die about an insert into a table. */
export interface InsertPlaces {
  before?: Place;
  during?: Place;
  after: Place;
}

/** A ClickHouse before, in the middle of and after whose inserts the process may die. */
export class MortalClickHouse extends ClickHouse {
  readonly #mortal: Mortal;
  readonly #places: Readonly<Record<string, InsertPlaces>>;

  constructor(options: ClickHouseOptions, { pass, begin }: Mortal, places: Readonly<Record<string, InsertPlaces>>) {
    super(options);
    this.#mortal = { pass, begin };
    this.#places = places;
  }

  override async insert(table: string, rows: readonly object[]): Promise<void> {
    const places = rows.length === 0 ? undefined : this.#places[table];
    if (places?.before) await this.#mortal.pass(places.before);
    if (places?.during) this.#mortal.begin(places.during);
    await super.insert(table, rows);
    if (places) await this.#mortal.pass(places.after);
  }
}
