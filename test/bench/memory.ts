/**
 * How much memory ClickHouse takes at its highest, in a stretch of time, and this process over its life.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';

export interface PeakMemory {
  /** Resident, as the kernel counted it (VmHWM); null where it does not tell. */
  residentBytes: number | null;
  /** As ClickHouse itself accounts for it, sampled. */
  trackedBytes: number;
}

const SAMPLE_MS = 100;
/** Tells the kernel to begin anew with the highest resident size: see proc(5). */
const RESET_PEAK = '5';

/** The highest over several stretches; what happens between them does not count. */
export class PeakWatch {
  readonly #clickhouse: ClickHouse;
  readonly #pid: () => number | undefined;
  readonly peak: PeakMemory = { residentBytes: null, trackedBytes: 0 };

  constructor(clickhouse: ClickHouse, pid: () => number | undefined) {
    this.#clickhouse = clickhouse;
    this.#pid = pid;
  }

  async during<Result>(stretch: () => Promise<Result>): Promise<Result> {
    const pid = this.#pid();
    if (pid !== undefined) resetPeak(pid);
    const over = new AbortController();
    const sampling = this.#sample(over.signal);
    try {
      return await stretch();
    } finally {
      over.abort();
      await sampling;
      const residentBytes = pid === undefined ? null : peakOf(pid);
      if (residentBytes !== null) this.peak.residentBytes = Math.max(this.peak.residentBytes ?? 0, residentBytes);
    }
  }

  /** A server that does not answer shows in what is measured; here it is only not looked at. */
  async #sample(over: AbortSignal): Promise<void> {
    for (; !over.aborted; await sleep(SAMPLE_MS)) {
      const tracked = await trackedNow(this.#clickhouse).catch(() => 0);
      this.peak.trackedBytes = Math.max(this.peak.trackedBytes, tracked);
    }
  }
}

/** Highest resident size of this process so far, bytes. */
export function ownPeakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** What ClickHouse accounts for now, bytes. */
export async function trackedNow(clickhouse: ClickHouse): Promise<number> {
  const { value } = await clickhouse.queryOne<{ value: string }>(
    `SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'`,
  );
  return Number(value);
}

/** Begins anew with a process's highest resident size. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  } catch {
    // Not Linux, or not allowed: then the peak is that of the process's life.
  }
}

/** Highest resident size of a process so far, bytes; null where the kernel does not tell. */
export function peakOf(pid: number): number | null {
  return statusBytes(pid, /^VmHWM:\s+(\d+) kB$/m);
}

/** Resident size of a process now, bytes; null where the kernel does not tell. */
export function residentOf(pid: number): number | null {
  return statusBytes(pid, /^VmRSS:\s+(\d+) kB$/m);
}

function statusBytes(pid: number, line: RegExp): number | null {
  try {
    const kibibytes = line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}
