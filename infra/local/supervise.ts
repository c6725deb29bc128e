// A child process that is kept alive: started, watched, started again with growing waits, stopped in order.
//
// Every child has a process group of its own, so that Ctrl-C in a terminal reaches only the parent, which then stops
// its children in order; and a pipe from the parent as standard input, whose end tells the child that the parent is
// gone, however it went.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStackError, messageOf } from './errors.ts';
import type { LocalEvent, OnEvent } from './events.ts';
import { lastLogLine, logSize, rotateLog } from './log-file.ts';

/** What a `ready` check gets: it must give up when the signal aborts (the child ended, or time is up). */
export interface StartingChild {
  pid: number;
  signal: AbortSignal;
}

export interface SuperviseOptions {
  name: string;
  command: string;
  args: string[];
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Standard output and error are appended here. */
  logFile: string;
  /** The log moves to `<logFile>.1` when it grows past this. Default 20 MiB. */
  logBytesMax?: number;
  /** Resolves when the service answers. Default: ready as soon as it runs. */
  ready?: (child: StartingChild) => Promise<void>;
  /** Default 30 s; a child that is not ready by then is killed. */
  readyTimeoutMs?: number;
  /** Without it, a child that ends stays ended. Waits double from the first to the longest and begin anew after a healthy time. */
  restart?: {
    waitMsFirst: number;
    waitMsMax: number;
    healthyAfterMs: number;
    /** A child that ends with this code waits for a person to do something: even the first one is tried again. */
    refusedExitCode?: number;
  };
  /** How the child is asked to end. Default SIGTERM. */
  stopBy?: 'SIGTERM' | 'stdin-end';
  /** Then it is killed. Default 10 s. */
  stopTimeoutMs?: number;
  /** A descriptor that the child inherits as its fd 3. */
  inheritFd?: number;
  onEvent?: OnEvent;
}

export interface Supervised {
  name: string;
  /**
   * Starts the child and resolves when it is ready for the first time.
   * @throws LocalStackError SERVICE_DID_NOT_START if the first child ends before that, or takes too long; it is not tried again,
   *   unless it ended with `refusedExitCode`
   */
  start(): Promise<void>;
  /** Of the running child; undefined while there is none. */
  pid(): number | undefined;
  /** Ends the child and the supervision; resolves when no process is left. May be called at any time, repeatedly. */
  stop(): Promise<void>;
}

const LOG_BYTES_MAX = 20 * 1024 * 1024;
const LOG_CHECK_MS = 10_000;
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** Prepares a supervised child; nothing runs before `start()`. */
export function supervise(options: SuperviseOptions): Supervised {
  const supervision = new Supervision(options);
  return {
    name: options.name,
    start: () => supervision.start(),
    pid: () => supervision.pid(),
    stop: () => supervision.stop(),
  };
}

interface Run {
  child: ChildProcess;
  /** Resolves with how it ended, as the end of a sentence; never rejects. */
  ended: Promise<string>;
  /** Where in the log file this run begins. */
  logFrom: number;
}

class Supervision {
  readonly #options: SuperviseOptions;
  readonly #stopping = new AbortController();
  #run: Run | undefined;
  #started: Promise<void> | undefined;
  #finished: Promise<void> = Promise.resolve();

  constructor(options: SuperviseOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    if (this.#started === undefined) {
      const first = Promise.withResolvers<void>();
      this.#started = first.promise;
      // A log file that cannot be opened, say: the one who starts hears of it.
      this.#finished = this.#keepRunning(first).catch(first.reject);
    }
    return this.#started;
  }

  pid(): number | undefined {
    return this.#run?.child.pid;
  }

  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort();
      if (this.#run !== undefined) this.#askToEnd(this.#run);
    }
    await this.#finished;
  }

  /** The one flow of control: a start, its readiness, its end, the wait, and again. */
  async #keepRunning(first: PromiseWithResolvers<void>): Promise<void> {
    const { restart } = this.#options;
    const logCheck = setInterval(() => this.#rotateLog(), LOG_CHECK_MS).unref();
    let everReady = false;
    let restarts = 0;
    while (!this.#stopping.signal.aborted) {
      const run = this.#launch();
      this.#run = run;
      const problem = await this.#untilReady(run);
      const readyAtMs = performance.now();
      if (problem === undefined) {
        this.#emit('ready', run);
        everReady = true;
        first.resolve();
      } else {
        killGroup(run.child);
      }
      const end = await run.ended;
      this.#run = undefined;
      this.#emit('exited', run, { detail: problem ?? end });
      if (this.#stopping.signal.aborted) break;
      const refused = restart !== undefined && run.child.exitCode === restart.refusedExitCode;
      if (refused) this.#emit('refused', run, this.#lastWords(run));
      const goesOn = everReady || refused;
      if (!goesOn) first.reject(this.#didNotStart(problem ?? end, run));
      if (!goesOn || restart === undefined) break;
      if (problem === undefined && performance.now() - readyAtMs >= restart.healthyAfterMs) restarts = 0;
      const waitMs = Math.min(restart.waitMsFirst * 2 ** restarts++, restart.waitMsMax);
      this.#emit('restarting', undefined, { waitMs });
      await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    clearInterval(logCheck);
    this.#emit('stopped');
    // Without effect unless stopped before it was ever ready.
    first.reject(new LocalStackError('SERVICE_DID_NOT_START', `${this.#options.name} was stopped while it started.`));
  }

  #launch(): Run {
    const { command, args, env, cwd, logFile, inheritFd } = this.#options;
    this.#rotateLog();
    const logFrom = logSize(logFile);
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, {
      detached: true,
      stdio: ['pipe', log, log, ...(inheritFd === undefined ? [] : [inheritFd])],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(log);
    // Ending the pipe of a child that has just ended fails, and means nothing.
    child.stdin?.on('error', () => undefined);
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal === null ? `ended with code ${code}` : `ended by ${signal}`));
      // A command that could not be run at all has no exit.
      child.once('error', (error) => {
        if (child.pid === undefined) resolve(`could not be run: ${error.message}`);
      });
    });
    const run = { child, ended, logFrom };
    this.#emit('starting', run);
    return run;
  }

  /** Undefined once the child is ready, otherwise why it is not. */
  async #untilReady({ child, ended }: Run): Promise<string | undefined> {
    if (child.pid === undefined) return ended;
    const { ready, readyTimeoutMs = READY_TIMEOUT_MS } = this.#options;
    if (ready === undefined) return undefined;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(readyTimeoutMs)]);
    const timedOut = new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve(`was not ready within ${readyTimeoutMs} ms`), { once: true });
    });
    const answered = ready({ pid: child.pid, signal }).then(
      () => undefined,
      (error: unknown) => `is not ready: ${messageOf(error)}`,
    );
    const problem = await Promise.race([ended, timedOut, answered]);
    over.abort();
    return problem;
  }

  #askToEnd(run: Run): void {
    const { stopBy = 'SIGTERM', stopTimeoutMs = STOP_TIMEOUT_MS } = this.#options;
    if (stopBy === 'stdin-end') run.child.stdin?.end();
    else run.child.kill('SIGTERM');
    const timer = setTimeout(() => killGroup(run.child), stopTimeoutMs);
    run.ended.finally(() => clearTimeout(timer));
  }

  #didNotStart(problem: string, run: Run): LocalStackError {
    const { name, logFile } = this.#options;
    const { detail } = this.#lastWords(run);
    const said = detail === undefined ? '' : `: ${detail}`;
    return new LocalStackError('SERVICE_DID_NOT_START', `${name} ${problem}${said} (log: ${logFile})`);
  }

  #lastWords({ logFrom }: Run): { detail?: string } {
    const detail = lastLogLine(this.#options.logFile, logFrom);
    return detail === undefined ? {} : { detail };
  }

  #rotateLog(): void {
    try {
      rotateLog(this.#options.logFile, this.#options.logBytesMax ?? LOG_BYTES_MAX);
    } catch {
      // A full disk must not end the supervisor; the log stays long.
    }
  }

  #emit(kind: LocalEvent['kind'], run?: Run, more?: Partial<LocalEvent>): void {
    const pid = run?.child.pid;
    this.#options.onEvent?.({ service: this.#options.name, kind, ...(pid === undefined ? {} : { pid }), ...more });
  }
}

/** Ends the child and whatever it started. Only while it lives: later its number could be another's. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
