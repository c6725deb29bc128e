import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from './decode.ts';
import { type Decision, decide, type KnownKey, type KnownKeys, keyName, type Outcome } from './first-occurrence.ts';
import { positionOf } from './position.ts';
import { eventAt, interaction, NOW, voided } from './test-events.ts';

/** One word an event: `i1` is an interaction with event id 1, `I1` the same with other content, `v1` its void. */
function eventOf(word: string, position: bigint): LogEvent {
  const eventId = word.slice(1);
  if (word.startsWith('v')) return eventAt(position, voided({ eventId }));
  return eventAt(position, interaction({ eventId, ...(word.startsWith('I') ? { channel: 'sms' } : {}) }));
}

function eventsOf(words: string): LogEvent[] {
  return words.split(' ').map((word, index) => eventOf(word, BigInt(index + 1)));
}

type Decided = Decision & { event: LogEvent };

function decideAll(events: readonly LogEvent[], known: KnownKeys): Decided[] {
  return events.map((event) => ({ event, ...decide(event, known) }));
}

/** Outcomes in short, with the position that a void takes back. */
function told(decided: readonly Decided[]): string {
  return decided.map(({ outcome, takesBack }) => (takesBack ? `${outcome}:${takesBack.position}` : outcome)).join(' ');
}

describe('decide', () => {
  it.each([
    ['i1', 'counted'],
    ['i1 i1', 'counted duplicate'],
    ['i1 I1', 'counted conflicting'],
    ['i1 I1 i1 I1', 'counted conflicting duplicate conflicting'],
    ['i1 i2 i1', 'counted counted duplicate'],
    ['i1 v1', 'counted void:1'],
    ['v1 i1', 'void suppressed'],
    ['v1 v1', 'void duplicate'],
    ['i1 v1 v1', 'counted void:1 duplicate'],
    ['i1 v1 i1', 'counted void:1 duplicate'],
    ['v1 i1 i1', 'void suppressed duplicate'],
    ['v1 i1 I1', 'void suppressed conflicting'],
    ['v1 i1 v1', 'void suppressed duplicate'],
    ['i1 i1 v1', 'counted duplicate void:1'],
    ['i1 I1 v1', 'counted conflicting void:1'],
    ['v2 i1', 'void counted'],
    ['i1 v2', 'counted void'],
  ])('%s: %s', (words, outcomes) => {
    expect(told(decideAll(eventsOf(words), new Map()))).toBe(outcomes);
  });

  it.each([
    ['i1', 'i1', 'duplicate'],
    ['i1', 'I1', 'conflicting'],
    ['i1', 'v1', 'void:1'],
    ['v1', 'i1', 'suppressed'],
    ['v1', 'v1', 'duplicate'],
    ['v1 i1', 'i1', 'duplicate'],
    ['v1 i1', 'v1', 'duplicate'],
    ['i1 v1', 'i1 v1', 'duplicate duplicate'],
  ])('knows of %s from an earlier batch, and says of %s: %s', (before, words, outcomes) => {
    const index: IndexRow[] = rowsOf(decideAll(eventsOf(before), new Map()));
    const after = words.split(' ').map((word, at) => eventOf(word, BigInt(100 + at)));
    expect(told(decideAll(after, lookUp(index, after)))).toBe(outcomes);
  });

  it('names the channel, direction and time of the interaction that a void takes back', () => {
    const first = eventAt(1n, interaction({ channel: 'form_submission', direction: 'inbound', occurredAt: NOW - 5 }));
    const [, taking] = decideAll([first, eventAt(2n, voided())], new Map());
    expect(taking?.takesBack).toMatchObject({ channel: 'form_submission', direction: 'inbound', occurredAt: NOW - 5 });
  });

  it.each([
    ['a counted one before it', 5n, false, 'void:5'],
    ['one before it that never counted', 5n, true, 'void'],
    ['one after it', 15n, false, 'void'],
  ])('lets a void take back only what counted before it: %s', (_, position, suppressed, outcome) => {
    const taking = eventAt(10n, voided());
    const first = {
      position,
      suppressed,
      occurredAt: NOW,
      channel: 'email',
      direction: 'outbound',
      contentHash: 0n,
    } as const;
    const known: KnownKeys = new Map([[keyName(taking.eventKey), { interaction: first }]]);
    expect(told(decideAll([taking], known))).toBe(outcome);
  });

  it('calls a repetition with another time conflicting, and counts the first’s', () => {
    const events = [eventAt(1n, interaction()), eventAt(2n, interaction({ occurredAt: NOW + 1 }))];
    expect(told(decideAll(events, new Map()))).toBe('counted conflicting');
  });
});

/** A row of the index, as the view makes it of a decided event. */
interface IndexRow {
  name: string;
  isVoid: boolean;
  known: NonNullable<KnownKey['interaction']>;
}

const INDEXED: readonly Outcome[] = ['counted', 'void', 'suppressed'];

function rowsOf(decided: readonly Decided[]): IndexRow[] {
  return decided
    .filter(({ outcome }) => INDEXED.includes(outcome))
    .map(({ event, outcome }) => ({
      name: keyName(event.eventKey),
      isVoid: event.kind === 'void',
      known: {
        position: event.position,
        occurredAt: NOW,
        channel: 'email',
        direction: 'outbound',
        contentHash: event.kind === 'interaction' ? event.contentHash : 0n,
        suppressed: outcome === 'suppressed',
      },
    }));
}

/** What the index answers: of several rows of one key and kind, the one of the smallest position. */
function lookUp(index: readonly IndexRow[], events: readonly LogEvent[]): KnownKeys {
  const asked = new Set(events.map(({ eventKey }) => keyName(eventKey)));
  const answer: KnownKeys = new Map();
  for (const { name, isVoid, known } of index) {
    if (!asked.has(name)) continue;
    const entry = answer.get(name) ?? {};
    answer.set(name, entry);
    const kind = isVoid ? 'void' : 'interaction';
    const there = entry[kind];
    if (there && there.position < known.position) continue;
    if (isVoid) entry.void = { position: known.position };
    else entry.interaction = known;
  }
  return answer;
}

/** The rule, read over the whole log once: what each position's outcome must be, whatever happens on the way. */
function onePass(log: readonly LogEvent[]): string[] {
  const interactions = new Map<string, { position: bigint; contentHash: bigint; counted: boolean }>();
  const voids = new Set<string>();
  return log.map((event) => {
    const name = keyName(event.eventKey);
    const first = interactions.get(name);
    if (event.kind === 'void') {
      if (voids.has(name)) return 'duplicate';
      voids.add(name);
      return first?.counted ? `void:${first.position}` : 'void';
    }
    if (first) return first.contentHash === event.contentHash ? 'duplicate' : 'conflicting';
    const counted = !voids.has(name);
    interactions.set(name, { position: event.position, contentHash: event.contentHash, counted });
    return counted ? 'counted' : 'suppressed';
  });
}

/** One try at a batch: how many events, and whether it ends in a commit or in a crash that left some rows written. */
interface Step {
  size: number;
  ending: 'committed' | 'crashed half-written' | 'crashed before commit' | 'an old batch again';
  /** Which rows of the batch are written before a crash; which old batch comes again. */
  choice: number;
}

const words = fc.constantFrom(...['1', '2', '3'].flatMap((id) => [`i${id}`, `I${id}`, `v${id}`]));
const histories = fc.array(words, { minLength: 1, maxLength: 24 });
const steps = fc.infiniteStream(
  fc.record<Step>({
    size: fc.integer({ min: 1, max: 8 }),
    ending: fc.constantFrom('committed', 'crashed half-written', 'crashed before commit', 'an old batch again'),
    choice: fc.nat(2 ** 16 - 1),
  }),
);

const STEPS_MAX = 400;

/** Runs a log through `decide` with crashes and repetitions. Returns every outcome that any try gave a position. */
function consume(log: readonly LogEvent[], tries: Iterator<Step>): Set<string>[] {
  const index: IndexRow[] = [];
  const outcomes = log.map(() => new Set<string>());
  const attempt = (from: number, to: number): IndexRow[] => {
    const batch = log.slice(from, to);
    const decided = decideAll(batch, lookUp(index, batch));
    for (const [at, one] of decided.entries()) outcomes[from + at]?.add(told([one]));
    return rowsOf(decided);
  };
  let committed = 0;
  for (let step = 0; committed < log.length; step++) {
    const { size, ending, choice } = tries.next().value as Step;
    if (ending === 'an old batch again') {
      const from = choice % (committed + 1);
      index.push(...attempt(from, Math.min(from + size, committed)));
      continue;
    }
    const to = Math.min(committed + size, log.length);
    const rows = attempt(committed, to);
    if (ending === 'crashed half-written') index.push(...rows.filter((_, at) => (choice >> at) & 1));
    else index.push(...rows);
    if (ending === 'committed' || step > STEPS_MAX) committed = to;
  }
  return outcomes;
}

describe('decide, over batches of any shape with crashes and repetitions', () => {
  it('gives every position the one outcome that a single pass over the log gives it', () => {
    fc.assert(
      fc.property(histories, steps, (history, tries) => {
        const log = history.map((word, offset) => eventOf(word, positionOf(1, 3, BigInt(offset))));
        const outcomes = consume(log, tries[Symbol.iterator]());
        expect(outcomes.map((all) => [...all].join(' or '))).toEqual(onePass(log));
      }),
      { numRuns: 3_000 },
    );
  });

  it('does so when a batch mixes partitions, each in its own order', () => {
    fc.assert(
      fc.property(histories, histories, fc.infiniteStream(fc.boolean()), steps, (one, other, turns, tries) => {
        // Keys are of one partition: the second one's ids are others.
        const partitions = [
          one.map((word, offset) => eventOf(word, positionOf(1, 0, BigInt(offset)))),
          other.map((word, offset) => eventOf(`${word}x`, positionOf(1, 9, BigInt(offset)))),
        ];
        const mixed: LogEvent[] = [];
        const [first = [], second = []] = partitions.map((events) => [...events]);
        for (const turn of turns) {
          const next = (turn ? first : second).shift() ?? first.shift() ?? second.shift();
          if (!next) break;
          mixed.push(next);
        }
        const outcomes = consume(mixed, tries[Symbol.iterator]());
        const expected = new Map(
          partitions.flatMap((log) => onePass(log).map((outcome, at) => [log[at]?.position, outcome] as const)),
        );
        expect(outcomes.map((all) => [...all].join(' or '))).toEqual(
          mixed.map(({ position }) => expected.get(position)),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
