/**
 * What a process takes over a stretch of time, as the kernel counts it.
 */
import { peakOf } from './memory.ts';
import { cpuMicrosOf } from './process-meter.ts';

export interface ProcessUsage {
  /** 1 is one core all the time; null where the kernel does not tell. */
  cores: number | null;
  /** The highest resident size of the process's life. */
  peakBytes: number | null;
}

/** Begins to look; the returned function ends it. */
export function watchProcess(pid: number | undefined): () => ProcessUsage {
  const from = performance.now();
  const before = pid === undefined ? null : cpuMicrosOf(pid);
  return () => {
    const after = pid === undefined ? null : cpuMicrosOf(pid);
    const micros = (performance.now() - from) * 1000;
    const cores = before === null || after === null ? null : Math.round(((after - before) / micros) * 100) / 100;
    return { cores, peakBytes: pid === undefined ? null : peakOf(pid) };
  };
}
