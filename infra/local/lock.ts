// One instance per data directory. The lock is flock(2) on a file, and every child inherits the open file: the
// operating system releases it when the last of them has ended, however they end. So it is never left behind, never
// taken from a live instance (as a lock that goes stale by time could be), and an instance started just after a
// `kill -9` waits for the old one's children instead of opening their files.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStackError } from './errors.ts';

export interface DataDirLock {
  /** Children inherit this descriptor and so hold the lock with us. */
  fd: number;
  release(): void;
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** The broker halts 3 s after its parent's death and ClickHouse likewise; the rest is room for a slow machine. */
const ENDED_HOLDER_WAIT_MS_MAX = 15_000;
const RETRY_MS = 100;

/** A process that was sent SIGKILL is still to be seen for a moment. */
const LIVE_HOLDER_GRACE_MS = 1_000;

/**
 * Takes the lock of `dataDir`, which must exist. Refuses after 1 s if its holder lives; waits, 15 s at most, for
 * the children of a holder that has died.
 * @throws LocalStackError DATA_DIR_IN_USE
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = join(dataDir, 'lock');
  const fd = openSync(path, 'a+');
  try {
    const beganAtMs = performance.now();
    while (!(await tryLock(fd))) {
      const holder = readHolder(path);
      const waitedMs = performance.now() - beganAtMs;
      if (waitedMs > LIVE_HOLDER_GRACE_MS && holder !== undefined && isAlive(holder)) {
        throw new LocalStackError(
          'DATA_DIR_IN_USE',
          `${dataDir} is in use by process ${holder.pid}; stop that one or choose another data directory.`,
        );
      }
      if (waitedMs > ENDED_HOLDER_WAIT_MS_MAX) {
        throw new LocalStackError(
          'DATA_DIR_IN_USE',
          `${dataDir} is still held by processes of an instance that has ended; see them with: fuser ${path}`,
        );
      }
      await sleep(RETRY_MS);
    }
    ftruncateSync(fd);
    writeSync(fd, JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) } satisfies Holder));
    return { fd, release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

async function tryLock(fd: number): Promise<boolean> {
  // Loaded when it is needed: whoever only imports this package may run where the embedded stack is not installed.
  const { DataType, load, open } = await import('ffi-rs');
  const library = 'tally-libc';
  open({ library, path: process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6' });
  const result = load({
    library,
    funcName: 'flock',
    retType: DataType.I32,
    paramsType: [DataType.I32, DataType.I32],
    paramsValue: [fd, LOCK_EX | LOCK_NB],
  });
  return result === 0;
}

interface Holder {
  pid: number;
  /** Tells a process from a later one with the same pid; undefined where /proc does not exist. */
  startTime: string | undefined;
}

function readHolder(path: string): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('pid' in parsed)) return undefined;
    if (typeof parsed.pid !== 'number' || !Number.isInteger(parsed.pid) || parsed.pid <= 0) return undefined;
    const startTime = 'startTime' in parsed && typeof parsed.startTime === 'string' ? parsed.startTime : undefined;
    return { pid: parsed.pid, startTime };
  } catch {
    // The holder is just writing it; the caller looks again.
    return undefined;
  }
}

function isAlive({ pid, startTime }: Holder): boolean {
  if (startTime !== undefined) return processStartTime(pid) === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Clock ticks since boot at which the process began; undefined for one that has ended, a zombie included. */
function processStartTime(pid: number): string | undefined {
  try {
    // The name, in parentheses, may hold spaces: what follows the last one is fields 3 (state) to 52.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[0] === 'Z' ? undefined : fields?.[19];
  } catch {
    return undefined;
  }
}
