/**
 * What processes take over a stretch of time, as the kernel counts it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { peakOf } from './memory.ts';

export interface ProcessUsage {
  /** 1 is one core all the time; null where the kernel does not tell. */
  cores: number | null;
  /** The highest resident size of the process's life. */
  peakBytes: number | null;
}

const NAME_AND_STATE = 2;
const [USER_TIME, SYSTEM_TIME] = [11, 12];

/** Begins to look; the returned function ends it. */
export function watchProcess(pid: number | undefined): () => ProcessUsage {
  const from = performance.now();
  const before = cpuSeconds(pid);
  return () => {
    const after = cpuSeconds(pid);
    const seconds = (performance.now() - from) / 1000;
    const cores = before === null || after === null ? null : Math.round(((after - before) / seconds) * 100) / 100;
    return { cores, peakBytes: pid === undefined ? null : peakOf(pid) };
  };
}

/** User and system time of a process so far: fields 14 and 15 of proc(5)'s stat, the second of which may hold blanks. */
function cpuSeconds(pid: number | undefined): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + NAME_AND_STATE).split(' ');
    const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / ticksPerSecond;
  } catch {
    return null;
  }
}
