/**
 * Reads the dead letters' topic. Whoever may write to it may put anything there, so nothing in a header is believed to be
 * more than text.
 */
import { LINEAGE_HEADERS } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type KafkaAdmin, readTopic, type StoredRecord } from '@tally/platform/kafka';
import type { Topics } from '@tally/schemas';
import { type Origin, originOf, originText, tryOrigin } from './origin.ts';

/** What the work on dead letters needs. */
export interface DeadLetterContext {
  kafka: Parameters<typeof readTopic>[0]['kafka'];
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  topics: Topics;
  /** Milliseconds since 1970-01-01 UTC. */
  clock: () => number;
}

/** A dead letter without its content. */
export interface Letter extends Origin {
  /** `topic/partition/offset@epoch`; see origin.ts. */
  origin: string;
  /** A code of `DEAD_LETTER_REASONS`, of whatever version wrote it. */
  reason: string;
  detail: string;
  service: string;
  /** When it was put there, milliseconds UTC. */
  at: number;
  /** Of its key and value. */
  bytes: number;
  /** The dead letter that was retried into this one. */
  retryOf?: string;
  /** The first one of the line; this one if it is no retry. */
  root: string;
  /** How many retries lie between the root and this one. */
  attempt: number;
}

/** The refused record as it was, and everything that was said of it. */
export interface LetterContent {
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

const ATTEMPT_MAX = 65_535;

/** Every dead letter, once each, by its origin, oldest first. */
export async function readLetters(context: DeadLetterContext): Promise<Map<string, Letter>> {
  const letters = new Map<string, Letter>();
  await readTopic(context, context.topics.deadLetters, (record) => {
    const letter = letterOf(record, context.topics.deadLetters);
    if (!letters.has(letter.origin)) letters.set(letter.origin, letter);
  });
  return letters;
}

/** The content of some dead letters, by origin. */
export async function readContents(
  context: DeadLetterContext,
  origins: ReadonlySet<string>,
): Promise<Map<string, LetterContent>> {
  const contents = new Map<string, LetterContent>();
  await readTopic(context, context.topics.deadLetters, (record) => {
    const { origin } = letterOf(record, context.topics.deadLetters);
    if (!origins.has(origin) || contents.has(origin)) return;
    contents.set(origin, { key: record.key, value: record.value, headers: record.headers });
  });
  return contents;
}

/** One that does not say where it comes from is known by its own place. */
export function letterOf(record: StoredRecord, deadLetterTopic: string): Letter {
  const { headers, key, value, timestamp, partition, offset } = record;
  const own = { topic: deadLetterTopic, partition, offset };
  const place = originOf(headers) ?? own;
  const origin = originText(place);
  const of = tryOrigin(headers[LINEAGE_HEADERS.of]);
  const root = tryOrigin(headers[LINEAGE_HEADERS.root]);
  return {
    ...place,
    origin,
    reason: headers['reason'] ?? '',
    detail: headers['detail'] ?? '',
    service: headers['service'] ?? '',
    at: timestamp,
    bytes: (key?.length ?? 0) + (value?.length ?? 0),
    ...(of ? { retryOf: originText(of), root: originText(root ?? of) } : { root: origin }),
    attempt: of ? attemptOf(headers[LINEAGE_HEADERS.attempt]) : 0,
  };
}

function attemptOf(text: string | undefined): number {
  return /^\d{1,5}$/.test(text ?? '') ? Math.min(Math.max(Number(text), 1), ATTEMPT_MAX) : 1;
}
