/**
 * A file's bytes as a stream, decompressed when they are gzip, whatever the file is called.
 */
import { open } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { messageOf, TallyError } from '@tally/platform/errors';

const READ_BYTES = 256 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/**
 * Streams a file. Throws `FILE_UNREADABLE`, or `GZIP_INVALID` when what is compressed is cut off or damaged.
 * @param onBytes told how many bytes of the file itself have been read
 */
export async function* readBytes(file: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  try {
    const first = Buffer.alloc(GZIP_MAGIC.length);
    const { bytesRead } = await handle.read(first, 0, first.length, 0);
    const compressed = bytesRead === first.length && first.equals(GZIP_MAGIC);
    const raw = handle.createReadStream({ start: 0, highWaterMark: READ_BYTES, autoClose: false });
    yield* compressed ? decompressed(counted(raw, onBytes)) : counted(raw, onBytes);
  } finally {
    await handle.close();
  }
}

async function* counted(raw: Readable, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let total = 0;
  try {
    for await (const chunk of raw) {
      const bytes = chunk as Buffer;
      total += bytes.length;
      onBytes(total);
      yield bytes;
    }
  } catch (cause) {
    throw unreadable(cause);
  }
}

async function* decompressed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  const out = new PassThrough();
  const stop = new AbortController();
  const done = pipeline(chunks, gunzip, out, { signal: stop.signal });
  // The reader hears of a failure from the stream; nobody else waits for this promise until the end.
  done.catch(() => undefined);
  try {
    for await (const chunk of out) yield chunk as Buffer;
    await done;
  } catch (cause) {
    if (cause instanceof TallyError) throw cause;
    throw new TallyError(`the compressed file is cut off or damaged: ${messageOf(cause)}`, {
      code: 'GZIP_INVALID',
      retriable: false,
      cause,
    });
  } finally {
    stop.abort();
  }
}

function unreadable(cause: unknown): TallyError {
  return new TallyError(`the file cannot be read: ${messageOf(cause)}`, {
    code: 'FILE_UNREADABLE',
    retriable: false,
    cause,
  });
}
