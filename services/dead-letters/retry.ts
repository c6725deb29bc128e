/**
 * Sends refused records again: the same bytes to the topic they came from, with headers that say what they repeat. An
 * event counts once however often it comes, so a retry can never count twice.
 *
 * What a crash costs after each step:
 *   1. judged      nothing
 *   2. sent        the retry is not on record, so the dead letter looks open; retried again, its event is a duplicate
 *   3. recorded    nothing; the rest is still open
 */
import { LINEAGE_HEADERS, readSchemaTopic } from '@tally/consumer';
import type { OutgoingRecord, Sender } from '@tally/platform/kafka';
import type { DeadLetterReason, NewerVersions, ProfileRecord } from '@tally/schemas';
import { recordActions } from './actions.ts';
import { judge, kindOf, type Verdict } from './judge.ts';
import { type KnownAlready, whatIsKnown } from './known.ts';
import { type DeadLetterContext, type Letter, type LetterContent, readContents } from './letters.ts';
import { type ListedLetter, refuseDiscarded } from './list.ts';

/** Content held in memory at once; more is read in several passes over the topic. */
const PASS = { lettersMax: 10_000, bytesMax: 64 * 1024 * 1024 } as const;
/** One request to Kafka; a single larger record goes alone. */
const SEND_BYTES_MAX = 512 * 1024;
const SEND_LETTERS_MAX = 500;

export interface RetryOptions {
  sender: Sender;
  /** Give each the key its content asks for, instead of the one it had. */
  rekey: boolean;
  /** Send even what will obviously be refused again, or would set a profile record back. */
  force: boolean;
  by: string;
  /** What is held in memory at once; more takes several passes over the dead letters. Default 10,000 letters, 64 MiB. */
  pass?: { lettersMax: number; bytesMax: number };
  /** Told how many letters have been dealt with. */
  onProgress?: (done: number) => void;
}

export interface RetryResult {
  sent: {
    origin: string;
    attempt: number;
    /** Its event was known already, so the retry changes no figure. */
    known: boolean;
  }[];
  refused: RefusedRetry[];
}

/** What was not sent: it would be refused again, set a profile record back, or does not come from a metered topic. */
export interface RefusedRetry {
  origin: string;
  reason: DeadLetterReason | 'superseded' | 'topic-not-metered';
  detail: string;
}

type Planned = { letter: Letter; content: LetterContent; verdict: Verdict; known?: KnownAlready | undefined };

/**
 * Retries dead letters. Throws `DEAD_LETTER_DISCARDED` before anything is sent, a retriable TallyError when Kafka or
 * ClickHouse is away; what had been sent until then is on record, but for the last request's.
 */
export async function retry(
  context: DeadLetterContext,
  letters: readonly ListedLetter[],
  options: RetryOptions,
): Promise<RetryResult> {
  refuseDiscarded(letters);
  const fromElsewhere = letters.filter((letter) => kindOf(letter, context.topics) === undefined);
  const metered = letters.filter((letter) => kindOf(letter, context.topics) !== undefined);
  const partitions = await partitionsOf(context, metered);
  const newer = await readSchemaTopic({ ...context, topic: context.topics.schemas });
  const result: RetryResult = { sent: [], refused: fromElsewhere.map(notMetered) };
  const { lettersMax, bytesMax } = options.pass ?? PASS;
  for (const pass of slices(metered, lettersMax, bytesMax, ({ bytes }) => bytes)) {
    // 1. Ask the consumer's rules what will become of each.
    const ready: Planned[] = [];
    for (const planned of await plan(context, pass, { rekey: options.rekey, partitions, newer })) {
      const refusal = options.force ? undefined : refusalOf(planned);
      if (refusal) result.refused.push(refusal);
      else ready.push(planned);
    }
    for (const some of slices(ready, SEND_LETTERS_MAX, SEND_BYTES_MAX, ({ letter }) => letter.bytes)) {
      // 2. Send, acknowledged by every in-sync replica.
      await options.sender.send(some.map(outgoing));
      // 3. Put on record who did it.
      await recordActions(context.clickhouse, some.map(actionOf(context.clock(), options.by)));
      result.sent.push(
        ...some.map(({ letter, known }) => ({
          origin: letter.origin,
          attempt: letter.attempt + 1,
          known: isEventKnown(known),
        })),
      );
      options.onProgress?.(result.sent.length + result.refused.length);
    }
  }
  return result;
}

async function plan(
  context: DeadLetterContext,
  letters: readonly Letter[],
  { rekey, partitions, newer }: { rekey: boolean; partitions: ReadonlyMap<string, number>; newer: NewerVersions },
): Promise<Planned[]> {
  const contents = await readContents(context, new Set(letters.map(({ origin }) => origin)));
  const planned: Planned[] = [];
  for (const letter of letters) {
    const content = contents.get(letter.origin);
    const kind = kindOf(letter, context.topics);
    if (!content || !kind) continue;
    const verdict = judge(content, {
      rekey,
      kind,
      partitions: partitions.get(letter.topic) ?? 1,
      now: context.clock(),
      newer,
    });
    planned.push({ letter, content, verdict });
  }
  const known = await whatIsKnown(
    context.clickhouse,
    planned.map(({ verdict }) => verdict),
  );
  return planned.map((one) => ({ ...one, known: known.get(one.verdict) }));
}

function refusalOf({ letter: { origin }, verdict, known }: Planned): RefusedRetry | undefined {
  if (!verdict.ok) return { origin, ...verdict.fault };
  if (!verdict.profile || !known || !isOlder(verdict.profile, known)) return undefined;
  return {
    origin,
    reason: 'superseded',
    detail: `the record changed again at ${new Date(known.changedAt ?? 0).toISOString()}; this would set it back`,
  };
}

/** The last record in the log is a profile's state, whatever it says of its time. */
function isOlder({ changedAt }: ProfileRecord, known: KnownAlready): boolean {
  return known.changedAt !== undefined && known.changedAt > changedAt;
}

/** An event that is known counts no second time; a profile record's newest state is whatever comes last. */
function isEventKnown(known: KnownAlready | undefined): known is KnownAlready {
  return known !== undefined && known.outcome !== 'recorded';
}

function outgoing({ letter, content, verdict }: Planned): OutgoingRecord {
  return {
    topic: letter.topic,
    key: verdict.key,
    value: content.value,
    headers: {
      [LINEAGE_HEADERS.of]: letter.origin,
      [LINEAGE_HEADERS.root]: letter.root,
      [LINEAGE_HEADERS.attempt]: String(letter.attempt + 1),
    },
  };
}

function actionOf(at: number, by: string): (planned: Planned) => Parameters<typeof recordActions>[1][number] {
  return ({ letter: { origin, reason, attempt }, known }) => ({
    origin,
    action: 'retried',
    at,
    by,
    reason,
    attempt: attempt + 1,
    knownPosition: isEventKnown(known) ? known.position : 0n,
  });
}

/** A header may name any topic; nothing but the metered ones is written to, forced or not. */
function notMetered({ origin }: Letter): RefusedRetry {
  return { origin, reason: 'topic-not-metered', detail: 'it does not come from a topic that is metered' };
}

async function partitionsOf({ admin }: DeadLetterContext, letters: readonly Letter[]): Promise<Map<string, number>> {
  const partitions = new Map<string, number>();
  for (const topic of new Set(letters.map(({ topic }) => topic))) {
    partitions.set(topic, (await admin.extents(topic)).length);
  }
  return partitions;
}

function* slices<Item>(
  items: readonly Item[],
  itemsMax: number,
  bytesMax: number,
  bytesOf: (item: Item) => number,
): Generator<Item[]> {
  let slice: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (slice.length > 0 && (slice.length === itemsMax || bytes + bytesOf(item) > bytesMax)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(item);
    bytes += bytesOf(item);
  }
  if (slice.length > 0) yield slice;
}
