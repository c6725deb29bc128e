/**
 * What a process has used so far, as the kernel tells it: Linux only.
 */
import { readFileSync, writeFileSync } from 'node:fs';

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
/** Tells the kernel to begin anew with the highest resident size: see proc(5). */
const RESET_PEAK = '5';

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

/** Where it is not allowed, the peak stays that of the process's life. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  } catch {
    // Not ours, or not Linux.
  }
}

function usageOfOne(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return { cpuMicros: ticks * TICK_MICROS, peakBytes: Number(kibibytes ?? 0) * 1024 };
  } catch {
    return { cpuMicros: 0, peakBytes: 0 };
  }
}
