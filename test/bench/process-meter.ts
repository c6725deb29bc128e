/**
 * What a process has used so far, as the kernel tells it: Linux only.
 */
import { readFileSync } from 'node:fs';
import { peakOf } from './memory.ts';

export interface Usage {
  /** User and system time, microseconds. */
  cpuMicros: number;
  /** Highest resident size since `resetPeak`, or since its start. */
  peakBytes: number;
}

/** The kernel counts in these; sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on. */
const TICK_MICROS = 10_000;
/** After the name in parentheses, which may hold spaces: see proc(5), fields 14 and 15 counted from 1. */
const UTIME = 11;
const STIME = 12;
/** Sums over processes; one that has ended counts nothing. */
export function usageOf(pids: readonly number[]): Usage {
  const sum = { cpuMicros: 0, peakBytes: 0 };
  for (const pid of pids) {
    const one = usageOfOne(pid);
    sum.cpuMicros += one.cpuMicros;
    sum.peakBytes += one.peakBytes;
  }
  return sum;
}

function usageOfOne(pid: number): Usage {
  const cpuMicros = cpuMicrosOf(pid);
  return { cpuMicros: cpuMicros ?? 0, peakBytes: cpuMicros === null ? 0 : (peakOf(pid) ?? 0) };
}

/** User and system time of a process so far, microseconds; null where the kernel does not tell. */
export function cpuMicrosOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MICROS;
  } catch {
    return null;
  }
}
