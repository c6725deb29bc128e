/**
 * Runs the decoder's fuzzing in a thread and watches it: an item that takes too long is named, with its bytes.
 */
import { Worker } from 'node:worker_threads';
import { mutationOf } from './decoder-fuzz.ts';
import type { WorkerAnswer, WorkerTask } from './decoder-worker.ts';
import type { DecoderReport } from './report.ts';

/** Generous, since others use the machine as well; an item takes 50 µs. */
const ITEM_MS_MAX = 5_000;
const WATCH_MS = 500;

/** Resolves when all values are through, or with the finding that ended the run. */
export async function runDecoder(
  seed: number,
  values: number,
  onProgress: (done: number) => void,
): Promise<DecoderReport | string> {
  const current = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./decoder-worker.ts', import.meta.url), {
    workerData: { seed, values, current } satisfies WorkerTask,
  });
  const beganAt = performance.now();
  const stuck = watch(new Int32Array(current), onProgress);
  try {
    const ended = new Promise<WorkerAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    const answer = await Promise.race([ended, stuck.item]);
    if (typeof answer === 'number')
      return `hang: seed ${seed}, item ${answer}, bytes ${mutationOf(seed, answer).toString('hex')}`;
    if (!answer.ok) return answer.finding;
    const { counts, before, after } = answer;
    const seconds = (performance.now() - beganAt) / 1000;
    return { ...counts, seconds, rate: Math.round(values / seconds), memory: [before, after], findings: [] };
  } finally {
    stuck.stop();
    await worker.terminate();
  }
}

/** Resolves with the number of an item that is in hand for too long. */
function watch(current: Int32Array, onProgress: (done: number) => void): { item: Promise<number>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<number>();
  let last = { item: -1, since: Date.now() };
  const timer = setInterval(() => {
    const item = Atomics.load(current, 0);
    onProgress(item);
    if (item !== last.item) last = { item, since: Date.now() };
    // The first item comes after the modules are loaded, the last one waits for the garbage collection.
    else if (Date.now() - last.since > ITEM_MS_MAX) resolve(item);
  }, WATCH_MS);
  return { item: promise, stop: () => clearInterval(timer) };
}
