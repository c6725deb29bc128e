/**
 * Puts the records of a topic that is kept for ever back where they were, at the same offsets: statements are decided by
 * their order, and tables name them by their offsets.
 */
import { TallyError } from '@tally/platform/errors';
import {
  type IncomingRecord,
  type OutgoingRecord,
  readTopic,
  type Sender,
  type StoredRecord,
} from '@tally/platform/kafka';
import type { Connection } from '../connection.ts';
import type { KeptPart } from './manifest.ts';
import { type FiledRecord, readTopicFile } from './topic-file.ts';

const SEND_RECORDS_MAX = 500;

/**
 * Adds what the topic lacks: all of it to an empty one, the rest where an earlier try was cut off; nothing where the topic
 * has more than the backup. One that is compacted gets its records only while it is empty. Returns how many records were put back. Throws `TOPIC_DIFFERS` where the topic holds others.
 */
export async function putBack(
  connection: Connection,
  sender: Pick<Sender, 'send'>,
  { topic, until, compacted }: KeptPart,
  file: string,
): Promise<number> {
  const there = new Map<number, StoredRecord>();
  const [extent = { end: 0n }] = await connection.admin.extents(topic);
  const end = Number(extent.end);
  if (compacted && end > 0) return 0;
  if (end > 0) await readTopic(connection, topic, (record) => void there.set(Number(record.offset), record));
  let next = end;
  let put = 0;
  let waiting: OutgoingRecord[] = [];
  const send = async (): Promise<void> => {
    await sender.send(waiting);
    waiting = [];
  };
  const add = async (record: OutgoingRecord): Promise<void> => {
    waiting.push({ ...record, partition: 0 });
    next++;
    if (waiting.length >= SEND_RECORDS_MAX) await send();
  };
  for await (const record of readTopicFile(file)) {
    const known = there.get(record.offset);
    if (known && !isSame(known, record)) throw differs(topic, record.offset);
    if (record.offset < end) continue;
    // What was no record, or had been deleted: a place holder is none either, and keeps the offsets of those behind it.
    while (!compacted && next < record.offset) await add({ topic, key: null, value: null });
    await add({ topic, key: record.key, value: record.value, headers: sendable(record.headers) });
    put++;
  }
  while (!compacted && next < until) await add({ topic, key: null, value: null });
  await send();
  return put;
}

function isSame(one: StoredRecord, other: FiledRecord): boolean {
  const bytes = (part: Buffer | null): string => part?.toString('base64') ?? 'none';
  return bytes(one.key) === bytes(other.key) && bytes(one.value) === bytes(other.value);
}

function sendable(headers: IncomingRecord['headers']): NonNullable<OutgoingRecord['headers']> {
  return Object.fromEntries(Object.entries(headers ?? {}).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

function differs(topic: string, offset: number): TallyError {
  return new TallyError(`${topic} holds another record at offset ${offset} than the backup`, {
    code: 'TOPIC_DIFFERS',
    retriable: false,
  });
}
