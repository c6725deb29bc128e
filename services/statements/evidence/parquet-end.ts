/**
 * Whether a Parquet file is whole: its last bytes are its footer, which says how many rows there are. The last bytes are
 * held back until that is certain, so a file that was cut short, or has other rows than it should, can never be read.
 */
import { TallyError } from '@tally/platform/errors';
import { parquetMetadata } from 'hyparquet';

/** Of a file of a billion rows the footer is a few megabytes. */
export const FOOTER_BYTES_MAX = 32 * 1024 * 1024;
/** The length of the footer, and `PAR1`. */
const END_BYTES = 8;

/** The same bytes. Throws `EXPORT_CUT`, retriable, instead of giving the last eight, unless the file is whole. */
export async function* wholeParquet(chunks: AsyncIterable<Buffer>, rows: number): AsyncGenerator<Buffer> {
  const tail = new Tail();
  let last: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    tail.add(chunk);
    const bytes = Buffer.concat([last, chunk]);
    const ready = Math.max(bytes.length - END_BYTES, 0);
    if (ready > 0) yield bytes.subarray(0, ready);
    last = bytes.subarray(ready);
  }
  const found = rowsInFooter(tail.bytes());
  if (found !== rows) {
    throw cut(found === undefined ? 'the file has no end' : `the file has ${found} row(s) and not ${rows}`);
  }
  yield last;
}

/** How many rows a file has whose last bytes these are; undefined where they are no end of a Parquet file. */
export function rowsInFooter(tail: Buffer): number | undefined {
  try {
    return Number(parquetMetadata(new Uint8Array(tail)).num_rows);
  } catch {
    return undefined;
  }
}

/** The last bytes of a stream, enough of them for a footer. */
class Tail {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (let [first] = this.#chunks; first && this.#length - first.length >= FOOTER_BYTES_MAX; [first] = this.#chunks) {
      this.#chunks.shift();
      this.#length -= first.length;
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function cut(detail: string): TallyError {
  return new TallyError(`ClickHouse ended the export in the middle: ${detail}`, {
    code: 'EXPORT_CUT',
    retriable: true,
  });
}
