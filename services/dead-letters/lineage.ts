/**
 * One dead letter in full: its content, what it was retried from, what came of its retries.
 */
import { partsOf, readLogs, readSchemaTopic } from '@tally/consumer';
import { type Decoded, decodeRecord, type NewerVersions } from '@tally/schemas';
import { judge, kindOf } from './judge.ts';
import { type KnownAlready, whatIsKnown } from './known.ts';
import { type DeadLetterContext, type LetterContent, readContents } from './letters.ts';
import { findNamed, type ListedLetter, readAll } from './list.ts';
import { originText } from './origin.ts';

/** Retries shown of one dead letter; there are more only where somebody forges lineages. */
const DESCENDANTS_MAX = 1_000;

/** Where the event, or the profile record's newest state, stands in the log. */
export interface Known extends KnownAlready {
  /** `topic/partition/offset`. */
  place: string;
}

export interface Shown {
  letter: ListedLetter;
  content: LetterContent;
  decoded: Decoded;
  /** What it was retried from, the nearest first; text for one that is not in the topic. */
  ancestors: (ListedLetter | string)[];
  /** Retries of it that were refused again, and theirs. */
  descendants: ListedLetter[];
  /** Absent when nothing is known, or the content is not readable. */
  known?: Known | undefined;
}

/** Throws what `named` throws. */
export async function show(context: DeadLetterContext, name: string): Promise<Shown> {
  const letters = await readAll(context);
  const letter = findNamed(letters, name);
  const { origin } = letter;
  const content = (await readContents(context, new Set([origin]))).get(origin);
  const newer = await readSchemaTopic({ ...context, topic: context.topics.schemas });
  if (!content) throw new Error(`${origin} left the dead letters while it was read`);
  return {
    letter,
    content,
    decoded: decodeRecord(content.value, newer),
    ancestors: ancestorsOf(letter, letters),
    descendants: descendantsOf(origin, letters),
    known: await knownOf(context, { letter, content, newer }),
  };
}

/** Anybody can write headers that go in a circle. */
function ancestorsOf(letter: ListedLetter, letters: ReadonlyMap<string, ListedLetter>): Shown['ancestors'] {
  const seen = new Set([letter.origin]);
  const ancestors: Shown['ancestors'] = [];
  for (let next = letter.retryOf; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    const ancestor = letters.get(next);
    ancestors.push(ancestor ?? next);
    next = ancestor?.retryOf;
  }
  return ancestors;
}

function descendantsOf(origin: string, letters: ReadonlyMap<string, ListedLetter>): ListedLetter[] {
  const seen = new Set([origin]);
  const byParent = Map.groupBy(letters.values(), ({ retryOf }) => retryOf ?? '');
  const found: ListedLetter[] = [];
  for (const parents = [origin]; parents.length > 0 && found.length < DESCENDANTS_MAX; ) {
    for (const child of byParent.get(parents.shift() ?? '') ?? []) {
      if (seen.has(child.origin)) continue;
      seen.add(child.origin);
      found.push(child);
      parents.push(child.origin);
    }
  }
  return found.slice(0, DESCENDANTS_MAX);
}

/** Under the key its content asks for: whether its event counts does not depend on the key it had. */
async function knownOf(
  { clickhouse, topics, clock }: DeadLetterContext,
  { letter, content, newer }: { letter: ListedLetter; content: LetterContent; newer: NewerVersions },
): Promise<Known | undefined> {
  const kind = kindOf(letter, topics);
  if (!kind) return undefined;
  const verdict = judge(content, { rekey: true, kind, partitions: 1, now: clock(), newer });
  const known = (await whatIsKnown(clickhouse, [verdict])).get(verdict);
  if (!known) return undefined;
  const { epoch, partition, offset } = partsOf(known.position);
  const log = (await readLogs(clickhouse)).find((one) => one.epoch === epoch);
  return { ...known, place: originText({ topic: log?.topic ?? `epoch ${epoch}`, partition, offset }) };
}
