/**
 * The list of refused rows, `FILE.refused.ndjson`: in the order of the input, one object a row. It is the sender's own
 * data, so only its owner may read it.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Refusal, SourceRow } from './source-row.ts';

const OWNER_ONLY = 0o600;

export class RefusedFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  #lines: string[] = [];
  #bytes: number;

  private constructor(path: string, bytes: number) {
    this.path = path;
    this.#bytes = bytes;
  }

  /** A list that goes on after its first `bytes`; what stands after them is dropped. Without any, it begins anew. */
  static async open(path: string, bytes: number): Promise<RefusedFile> {
    const list = new RefusedFile(path, bytes);
    if (bytes === 0) await rm(path, { force: true });
    else {
      list.#handle = await open(path, 'r+');
      await list.#handle.truncate(bytes);
    }
    return list;
  }

  /** Takes a row; it is in the file after the next `flush`. */
  add(line: string): void {
    this.#lines.push(line);
  }

  /** Lines taken and not yet in the file. */
  get waiting(): number {
    return this.#lines.length;
  }

  /** Resolves with the file's length, bytes, when all that was taken is on disk. */
  async flush(): Promise<number> {
    const lines = this.#lines.splice(0);
    if (lines.length === 0) return this.#bytes;
    this.#handle ??= await open(this.path, 'w', OWNER_ONLY);
    const content = Buffer.from(lines.join(''));
    await this.#handle.write(content, 0, content.length, this.#bytes);
    await this.#handle.sync();
    this.#bytes += content.length;
    return this.#bytes;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** A refused row as it stands in the list. */
export function refusedLine({ row, line, content }: SourceRow, { code, detail }: Refusal): string {
  const data = content.ok ? content.fields : content.source;
  return `${JSON.stringify({ row, line, code, detail, data }, plain)}\n`;
}

/** Parquet knows whole numbers that JSON does not. */
function plain(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
