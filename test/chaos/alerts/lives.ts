/**
 * A process life after life: each dies as its plan says, and the next one begins with another.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Supervised, supervise } from '@tally/local';
import type { Random } from '@tally/simulator';
import { type Death, type DeathPlan, type Place, readDeaths } from './places.ts';

const STOP_TIMEOUT_MS = 20_000;
/** After an end that nobody planned. */
const UNPLANNED_WAIT_MS = 1_000;
/** A life dies the first to this many-th time it gets to its place. */
const NTH_MAX: Partial<Record<Place, number>> = {
  observed: 3,
  'before-send': 6,
  sending: 6,
  sent: 6,
  recording: 6,
  recorded: 4,
};
/** From the beginning of a request, which takes some milliseconds; an attempt waits for up to 50 ms until it is recorded. */
const AFTER_MS_MAX: Partial<Record<Place, number>> = { publishing: 12, storing: 12, planning: 12, recording: 60 };
const AFTER_MS_MAX_OTHERWISE = 20;

/** The plans of as many lives as there are deaths at all places, in an order by chance. */
export function deathPlans(random: Random, places: readonly Place[], deathsPerPlace: number): DeathPlan[] {
  const plans = places.flatMap((place) =>
    Array.from({ length: deathsPerPlace }, () => ({
      place,
      nth: 1 + random.int(NTH_MAX[place] ?? 1),
      afterMs: random.int(AFTER_MS_MAX[place] ?? AFTER_MS_MAX_OTHERWISE),
    })),
  );
  return plans
    .map((plan) => ({ plan, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ plan }) => plan);
}

export interface LivesOptions {
  name: string;
  /** The process's file, beside this one. */
  main: string;
  dir: string;
  /** Of the how-manieth life, from 1. */
  env: (life: number) => Readonly<Record<string, string>>;
  plans: readonly DeathPlan[];
}

export class Lives {
  readonly #options: LivesOptions;
  readonly #deathLog: string;
  readonly #stopping = new AbortController();
  #current: Supervised | undefined;
  #lived: Promise<void> = Promise.resolve();
  /** Lives begun so far. */
  count = 0;
  /** Ends that nobody planned. */
  readonly unplanned: string[] = [];
  /** What has become of the plans. */
  #met = 0;

  constructor(options: LivesOptions) {
    this.#options = options;
    this.#deathLog = join(options.dir, 'run', `${options.name}.deaths`);
  }

  begin(): void {
    this.#lived = this.#live();
  }

  /** Whether every plan has been met; then a life goes on that nobody ends. */
  get done(): boolean {
    return this.#met === this.#options.plans.length;
  }

  deaths(): Death[] {
    return readDeaths(this.#deathLog);
  }

  /** Ends the present life in order, and the last one it is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current?.stop();
    await this.#lived;
  }

  async #live(): Promise<void> {
    const { plans, name } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const before = this.deaths().length;
      const how = await this.#once(plans[this.#met]);
      if (this.#stopping.signal.aborted) return;
      if (this.deaths().length > before && how === 'ended by SIGKILL') this.#met++;
      else {
        this.unplanned.push(`${name} ${how}`);
        await sleep(UNPLANNED_WAIT_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Resolves with how the life ended. */
  async #once(plan: DeathPlan | undefined): Promise<string> {
    const { name, main, dir, env } = this.#options;
    const ended = Promise.withResolvers<string>();
    this.count++;
    this.#current = supervise({
      name,
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', fileURLToPath(new URL(main, import.meta.url))],
      env: {
        ...env(this.count),
        TALLY_SUPERVISED: '1',
        // Hundreds of lives would compile the same files again, which takes longer than most of them last.
        NODE_COMPILE_CACHE: join(dir, 'compiled'),
        DEATH_LOG: this.#deathLog,
        ...(plan ? { DEATH_PLAN: JSON.stringify(plan) } : {}),
      },
      logFile: join(dir, 'logs', `${name}.log`),
      stopTimeoutMs: STOP_TIMEOUT_MS,
      onEvent: ({ kind, detail = '' }) => {
        if (kind === 'exited') ended.resolve(detail);
      },
    });
    await this.#current.start();
    return ended.promise;
  }
}
