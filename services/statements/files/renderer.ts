/**
 * Makes workbooks and PDFs in threads of their own: a large one takes seconds in which the service would answer nobody.
 */
import { TallyError } from '@tally/platform/errors';
import { Piscina } from 'piscina';
import type { Statement } from '../document.ts';

/** Files that are made at the same time. */
const THREADS_MAX = 2;
/** Files that wait for a thread; whoever comes then is to come again. */
const WAITING_MAX = 16;
/** From being asked for; a file takes a second or two. */
const RENDER_MS_MAX = 60_000;
/** A thread without work for this long is ended, with the memory that its fonts take. */
const IDLE_MS = 60_000;
const HEAP_MIB_MAX = 512;

export interface RendererLimits {
  threadsMax?: number;
  waitingMax?: number;
  renderMsMax?: number;
}

export class FileRenderer {
  readonly #pool: Piscina;
  readonly #renderMsMax: number;
  readonly #askedMax: number;
  #asked = 0;

  /** No thread runs before the first file is asked for. */
  constructor({
    threadsMax = THREADS_MAX,
    waitingMax = WAITING_MAX,
    renderMsMax = RENDER_MS_MAX,
  }: RendererLimits = {}) {
    this.#renderMsMax = renderMsMax;
    this.#askedMax = threadsMax + waitingMax;
    this.#pool = new Piscina({
      filename: new URL('./worker.ts', import.meta.url).href,
      name: 'render',
      minThreads: 0,
      maxThreads: threadsMax,
      maxQueue: threadsMax + waitingMax,
      idleTimeout: IDLE_MS,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
  }

  /** The bytes of the file. Throws `RENDERER_BUSY`, retriable, when too many wait or it takes too long. */
  async render(statement: Statement, format: 'pdf' | 'xlsx'): Promise<Uint8Array> {
    if (this.#asked >= this.#askedMax) throw busy('too many files wait to be made');
    const signal = AbortSignal.timeout(this.#renderMsMax);
    this.#asked++;
    try {
      return await this.#pool.run({ statement, format }, { signal });
    } catch (cause) {
      if (signal.aborted) throw busy(`a file was not made within ${this.#renderMsMax} ms`, cause);
      throw cause;
    } finally {
      this.#asked--;
    }
  }

  /** Ends the threads; what they were making fails. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

function busy(message: string, cause?: unknown): TallyError {
  return new TallyError(message, { code: 'RENDERER_BUSY', retriable: true, cause });
}
