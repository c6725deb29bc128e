/**
 * Records of a topic in a file: a line of JSON each, compressed; bytes in base64.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip, gzipSync } from 'node:zlib';
import { byId } from '@tally/metering';
import { type IncomingRecord, type KafkaAdmin, readTopic } from '@tally/platform/kafka';

export type FiledRecord = IncomingRecord & { partition: number };

type Line = [
  partition: number,
  offset: number,
  timestamp: number,
  key: string | null,
  value: string | null,
  headers: [name: string, value: string][],
];

/** Compressed together. */
const CHUNK_CHARACTERS = 1024 * 1024;

/**
 * Writes what a topic has from some offsets on, up to its end now; returns how many records. Throws what Kafka throws,
 * and what the disk does.
 */
export async function writeTopicFile(
  sources: { kafka: Parameters<typeof readTopic>[0]['kafka']; admin: KafkaAdmin },
  { topic, file, from }: { topic: string; file: string; from: ReadonlyMap<number, bigint> },
): Promise<number> {
  const descriptor = openSync(file, 'wx', 0o600);
  let [records, lines] = [0, ''];
  const flush = (): void => {
    // Files of gzip may stand one behind the other.
    writeSync(descriptor, gzipSync(lines, { level: 1 }));
    lines = '';
  };
  try {
    await readTopic(
      sources,
      topic,
      ({ partition, offset, timestamp, key, value, rawHeaders }) => {
        const line: Line = [partition, Number(offset), timestamp, base64(key), base64(value), headersOf(rawHeaders)];
        lines += `${JSON.stringify(line)}\n`;
        records++;
        if (lines.length >= CHUNK_CHARACTERS) flush();
      },
      from,
    );
    flush();
    return records;
  } finally {
    closeSync(descriptor);
  }
}

/** The records of a file, in the order in which they were written. */
export async function* readTopicFile(file: string): AsyncGenerator<FiledRecord> {
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()) });
  for await (const text of lines) {
    const [partition, offset, timestamp, key, value, headers] = JSON.parse(text) as Line;
    const byName = byId<Buffer | Buffer[]>();
    for (const [name, content] of headers) {
      const bytes = Buffer.from(content, 'base64');
      const known = byName[name];
      byName[name] = known === undefined ? bytes : [known, bytes].flat();
    }
    yield { partition, offset, timestamp, key: bytesOf(key), value: bytesOf(value), headers: byName };
  }
}

function headersOf(headers: NonNullable<IncomingRecord['headers']>): Line[5] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []]
      .flat()
      .filter(isContent)
      .map((value): [string, string] => [name, Buffer.from(value).toString('base64')]),
  );
}

/** Of a header called `constructor`, as every object has one, kafkajs gives that function too. */
function isContent(value: unknown): value is Buffer | string {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64');
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
