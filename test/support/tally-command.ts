/**
 * The command line as a process, as its users run it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const TALLY = fileURLToPath(new URL('../../services/cli/bin/tally.js', import.meta.url));
const COMMAND_MS_MAX = 110_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** What npm sets for its own children would make the command watch npm. */
const env: NodeJS.ProcessEnv = { ...process.env, npm_execpath: undefined };

export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export function tally(...args: string[]): Promise<Finished> {
  return tallyWith({}, ...args);
}

/** The same with more in its environment. Its standard input is no terminal. */
export function tallyWith(more: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { env: { ...env, ...more }, timeout: COMMAND_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
    const child = execFile(process.execPath, [TALLY, ...args], options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Starts a command, in an environment with `more` in it; it may be sent signals before it is finished. */
export function spawnTally(
  args: readonly string[],
  more: Readonly<Record<string, string>>,
): { child: ChildProcess; finished: Promise<Finished> } {
  const child = spawn(process.execPath, [TALLY, ...args], { env: { ...env, ...more }, timeout: COMMAND_MS_MAX });
  const finished = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr]) => ({ exitCode: child.exitCode ?? -1, stdout, stderr }),
  );
  return { child, finished };
}

export interface ReadyLine {
  ready: true;
  api: string;
  gateway: string;
  kafka: string;
  clickhouse: string;
  engines: string[];
  shards: string[];
  database: string;
  adminKey: string;
  pids: Record<string, number[]>;
}

/** `tally up --json` on any free ports; resolves with its first line. */
export function tallyUp(dataDir: string, ...more: string[]): Promise<{ child: ChildProcess; ready: ReadyLine }> {
  return tallyUpWith({}, dataDir, ...more);
}

/** The same with more in its environment, which its services have as well. */
export async function tallyUpWith(
  environment: NodeJS.ProcessEnv,
  dataDir: string,
  ...more: string[]
): Promise<{ child: ChildProcess; ready: ReadyLine }> {
  const ports = ['--api-port', '--gateway-port', '--kafka-port', '--clickhouse-port'].flatMap((name) => [name, '0']);
  const child = spawn(process.execPath, [TALLY, 'up', '--json', '--data', dataDir, ...ports, ...more], {
    env: { ...env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`tally up ended with ${code} before it was ready`))),
  ])) as [string];
  return { child, ready: JSON.parse(line) as ReadyLine };
}

/** Whether a process exists; one that has ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
