/**
 * The decoder's part of a run, in a thread of its own: `run-decoder.ts` watches from outside whether it goes on.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzzDecoder } from './decoder-fuzz.ts';
import type { Memory } from './report.ts';

export interface WorkerTask {
  seed: number;
  values: number;
  /** The number of the item in hand. */
  current: SharedArrayBuffer;
}

export type WorkerAnswer =
  | { ok: true; counts: ReturnType<typeof fuzzDecoder>; before: Memory; after: Memory }
  | { ok: false; finding: string };

/** The first items make code and caches grow as they should; memory is compared from then on. */
const WARM_UP_VALUES = 20_000;

const { seed, values, current } = workerData as WorkerTask;
const at = new Int32Array(current);
const onItem = (item: number): void => {
  Atomics.store(at, 0, item);
};

try {
  fuzzDecoder(seed, { from: 0, to: Math.min(WARM_UP_VALUES, values), onItem });
  const before = memory();
  const counts = fuzzDecoder(seed, { from: 0, to: values, onItem });
  parentPort?.postMessage({ ok: true, counts, before, after: memory() } satisfies WorkerAnswer);
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  parentPort?.postMessage({ ok: false, finding: `${String(error)}${cause}` } satisfies WorkerAnswer);
}

function memory(): Memory {
  for (let time = 0; time < 3; time++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}
