/**
 * Waits until this process is to stop: a signal, or the end of whatever started it.
 */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';

const PARENT_CHECK_MS = 500;

/** Registers at once, so that a signal during the start is not lost; `stopped` resolves with the reason. */
export function listenForStop(): { stopped: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  if (process.env['TALLY_LAUNCHED'] === '1') {
    // The launcher's pipe: see bin/tally.js. Not a file stream: its blocking read keeps a process from ending, even by
    // process.exit, as long as the launcher waits for that end.
    new Socket({ fd: 3 })
      .on('error', () => resolve('the launcher is gone'))
      .on('close', () => resolve('the launcher is gone'))
      .resume()
      .unref();
  }
  if (process.env['npm_execpath'] !== undefined) {
    // npm and npx do not pass their own death on to what they run, and may have a shell in between.
    const ancestry = ancestors();
    setInterval(() => {
      if (ancestors() !== ancestry) resolve('npm is gone');
    }, PARENT_CHECK_MS).unref();
  }
  return { stopped: promise };
}

/** The parent and, where the system tells, its parent: both change when one of them ends. */
function ancestors(): string {
  const parent = process.ppid;
  try {
    // The fourth field, counted after the command's name, which may hold blanks: see proc(5).
    const grandparent = readFileSync(`/proc/${parent}/stat`, 'utf8').split(')').at(-1)?.trim().split(' ')[1];
    return `${parent} ${grandparent}`;
  } catch {
    return String(parent);
  }
}
