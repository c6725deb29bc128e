/**
 * Memory of an instance's processes while something runs.
 */
import pidusage from 'pidusage';
import type { Instance } from './instance.ts';

const SAMPLE_MS = 500;

export interface ProcessMemory {
  service: string;
  pid: number;
  /** Highest resident size seen, bytes. */
  peakBytes: number;
  /** CPU time used, milliseconds. */
  cpuMs: number;
}

/** Samples until `stop`, which returns one entry a process. */
export function sampleMemory(instance: () => Instance): { stop: () => Promise<ProcessMemory[]> } {
  const seen = new Map<number, ProcessMemory>();
  const sample = async (): Promise<void> => {
    for (const [service, pids] of Object.entries({ ...instance().pids, 'this command': [process.pid] })) {
      for (const pid of pids) {
        const usage = await pidusage(pid).catch(() => undefined); // it may just have ended
        if (!usage) continue;
        const entry = seen.get(pid) ?? { service, pid, peakBytes: 0, cpuMs: 0 };
        entry.peakBytes = Math.max(entry.peakBytes, usage.memory);
        entry.cpuMs = usage.ctime;
        seen.set(pid, entry);
      }
    }
  };
  let sampling = sample();
  const timer = setInterval(() => {
    sampling = sampling.then(sample);
  }, SAMPLE_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await sampling;
      await sample();
      return [...seen.values()];
    },
  };
}
