/**
 * The consumers: processes that live, fail as planned, and are started again with another plan.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Supervised, supervise } from '@tally/local';
import { SERVICE_EXIT } from '@tally/platform/shutdown';
import { type FailStep, readFailLog } from '../support/fail-plan.ts';
import type { FailPlans } from './fail-plans.ts';
import { SESSION_TIMEOUT_MS } from './form.ts';

const CONSUMER_THAT_DIES = fileURLToPath(new URL('../support/consumer-that-dies.ts', import.meta.url));

/** How long a frozen consumer stays so: the group has given its partitions away by then. */
const FREEZE_MS = SESSION_TIMEOUT_MS + 2_500;
const LOOK_EVERY_MS = 100;
const RESTART_WAIT_MS = 200;
/** After an end that nobody planned: servers that are away should not be run down by starts. */
const UNPLANNED_WAIT_MS = 2_000;
const STOP_TIMEOUT_MS = 30_000;
const LAST_WORDS_BYTES = 16_384;

export interface LivesOptions {
  name: string;
  dir: string;
  env: Record<string, string>;
  plans: FailPlans;
  /** Told of a life that ended otherwise than planned. */
  onUnplanned: (end: UnplannedEnd) => void;
}

export interface UnplannedEnd {
  consumer: string;
  how: string;
  lastWords: string;
  /** The consumer said that a person must look. */
  refused: boolean;
}

/** One consumer, life after life. */
export class Lives {
  readonly #options: LivesOptions;
  readonly #logFile: string;
  readonly #stopping = new AbortController();
  #current: Supervised | undefined;
  #lived: Promise<void> = Promise.resolve();
  /** Lives begun so far. */
  count = 0;

  constructor(options: LivesOptions) {
    this.#options = options;
    this.#logFile = join(options.dir, 'logs', `${options.name}.log`);
  }

  begin(): void {
    this.#lived = this.#live();
  }

  /** Ends the present life in order, and the last one it is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    signal(this.#current?.pid(), 'SIGCONT');
    await this.#current?.stop();
    await this.#lived;
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const plan = this.#options.plans.arm();
      const failLog = join(this.#options.dir, 'run', `${this.#options.name}-${++this.count}.fail`);
      const how = await this.#once(plan, failLog);
      const reached = readFailLog(failLog);
      this.#options.plans.ended(plan, reached);
      const planned = reached.at(-1)?.action === 'die' && how === 'ended by SIGKILL';
      if (!planned && !this.#stopping.signal.aborted) this.#tellUnplanned(how);
      const waitMs = planned ? RESTART_WAIT_MS : UNPLANNED_WAIT_MS;
      await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /** Resolves with how the life ended. */
  async #once(plan: readonly FailStep[], failLog: string): Promise<string> {
    const { name, env } = this.#options;
    const ended = Promise.withResolvers<string>();
    const life = supervise({
      name,
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', CONSUMER_THAT_DIES],
      env: { ...env, TALLY_SUPERVISED: '1', FAIL_PLAN: JSON.stringify(plan), FAIL_LOG: failLog },
      logFile: this.#logFile,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      onEvent: ({ kind, detail = '' }) => {
        if (kind === 'exited') ended.resolve(detail);
      },
    });
    this.#current = life;
    await life.start();
    const over = new AbortController();
    const thawing = plan.some(({ action }) => action === 'freeze') ? this.#thaw(life, failLog, over.signal) : undefined;
    const how = await ended.promise;
    over.abort();
    await thawing;
    return how;
  }

  /** Lets a consumer that froze go on when its session is long over. */
  async #thaw(life: Supervised, failLog: string, over: AbortSignal): Promise<void> {
    const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal: over });
    try {
      while (!readFailLog(failLog).some(({ action }) => action === 'freeze')) await wait(LOOK_EVERY_MS);
      await wait(FREEZE_MS);
      signal(life.pid(), 'SIGCONT');
    } catch (error) {
      if (!over.aborted) throw error;
    }
  }

  #tellUnplanned(how: string): void {
    this.#options.onUnplanned({
      consumer: this.#options.name,
      how,
      lastWords: lastWords(this.#logFile),
      refused: how === `ended with code ${SERVICE_EXIT.refused}`,
    });
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

/** The message of the last line that was logged. */
function lastWords(logFile: string): string {
  const { size } = statSync(logFile);
  const buffer = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
  const file = openSync(logFile, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
  } finally {
    closeSync(file);
  }
  const line = buffer.toString('utf8').trim().split('\n').at(-1) ?? '';
  try {
    return (JSON.parse(line) as { msg: string }).msg;
  } catch {
    return line;
  }
}
