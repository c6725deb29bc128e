/**
 * What the consumers say of steps and starts that failed and are tried again, from their logs.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** A step of a consumer at work, and the start of one that was killed before. */
const FAILED = ['step failed, trying again', 'could not start, trying again'];

export class FailureTail {
  readonly #dir: string;
  /** File → where it was read up to. */
  readonly #read = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  /** Failures from now on count. */
  constructor(systemDir: string) {
    this.#dir = join(systemDir, 'logs');
    this.#eachNewLine(() => undefined);
  }

  /** Failures so far by the code of their error. */
  read(): ReadonlyMap<string, number> {
    this.#eachNewLine((line) => {
      if (!FAILED.some((said) => line.includes(said))) return;
      const { code = 'unknown' } = (JSON.parse(line) as { err: { code?: string } }).err;
      this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    });
    return this.#counts;
  }

  #eachNewLine(visit: (line: string) => void): void {
    for (const name of readdirSync(this.#dir)) {
      if (!/^consumer-\d+\.log$/.test(name)) continue;
      const file = openSync(join(this.#dir, name), 'r');
      try {
        const { size } = fstatSync(file);
        const before = this.#read.get(name) ?? 0;
        // A log that is shorter than before was moved and begun anew.
        const from = before > size ? 0 : before;
        const bytes = Buffer.alloc(size - from);
        readSync(file, bytes, 0, bytes.length, from);
        const whole = bytes.lastIndexOf('\n') + 1;
        this.#read.set(name, from + whole);
        for (const line of bytes.toString('utf8', 0, whole).split('\n')) visit(line);
      } finally {
        closeSync(file);
      }
    }
  }
}
