// For tests: processes of our own, and waiting for them.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const UNTIL_MS_MAX = 20_000;

/** Resolves when `condition` holds; rejects after 20 s, or `msMax`. A condition that throws does not hold yet. */
export async function until(condition: () => boolean, msMax = UNTIL_MS_MAX): Promise<void> {
  const giveUpAtMs = Date.now() + msMax;
  for (;;) {
    try {
      if (condition()) return;
    } catch {
      // Not yet.
    }
    if (Date.now() > giveUpAtMs) throw new Error(`not within ${msMax} ms: ${condition}`);
    await sleep(20);
  }
}

/** Rejects unless every one of the processes has ended within `msMax`. */
export async function endedWithin(msMax: number, pids: (number | undefined)[]): Promise<void> {
  if (pids.length === 0 || pids.some((pid) => !pid)) throw new Error(`not pids: ${pids}`);
  await until(() => pids.every((pid) => !isRunning(Number(pid))), msMax);
}

function isRunning(pid: number): boolean {
  try {
    // One that has ended and is not yet collected by its (dead) parent's heir counts as ended.
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A Node process with piped input; its first line of output, read as JSON, says it is up. */
export function startNode(args: string[]) {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const lines = createInterface(child.stdout);
  const first = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    exit.then((code) => reject(new Error(`ended with code ${code}: ${errors}`)));
  });
  first.catch(() => undefined);
  return {
    pid: child.pid,
    firstLine: async <Line>(): Promise<Line> => JSON.parse(await first),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    endInput: () => child.stdin.end(),
    exit,
    errors: () => errors,
  };
}
