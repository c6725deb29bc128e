/**
 * Deciding whole inserts must give what deciding event by event gives, whatever is asked and whatever is not.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decideRows, keysToAsk } from './decide-rows.ts';
import type { LogEvent, Place } from './decode.ts';
import { EventColumns } from './event-columns.ts';
import { decide, type KnownKeys, keyName, type Outcome } from './first-occurrence.ts';
import { KEY_BYTES } from './hash.ts';
import { OUTCOME } from './outcome.ts';
import { positionOf } from './position.ts';
import { eventAt, interaction, voided } from './test-events.ts';

const PLACE: Place = { kind: 'interactions', epoch: 1, partition: 0, partitions: 1 };
const INDEXED: readonly Outcome[] = ['counted', 'void', 'suppressed'];

/** `i1` is an interaction with event id 1, `I1` the same with other content, `v1` its void, `-` holds nothing. */
function eventOf(word: string, offset: number): LogEvent | undefined {
  if (word === '-') return undefined;
  const eventId = word.slice(1);
  const position = positionOf(PLACE.epoch, PLACE.partition, BigInt(offset));
  if (word.startsWith('v')) return eventAt(position, voided({ eventId }));
  return eventAt(position, interaction({ eventId, ...(word.startsWith('I') ? { channel: 'sms' } : {}) }));
}

function columnsOf(events: readonly (LogEvent | undefined)[], from: number): EventColumns {
  const columns = new EventColumns();
  for (const [index, event] of events.entries()) {
    if (event) columns.appendDecoded(event, PLACE, from + index);
    else columns.appendEmpty('control', PLACE, from + index);
  }
  return columns;
}

/** What the columns say became of each row, and which position each takes back. */
function told(columns: EventColumns): string[] {
  const names = Object.keys(OUTCOME);
  return Array.from({ length: columns.rows }, (_, row) => {
    const takenBack = columns.takenBack(row);
    const outcome = names[columns.outcome(row) - 1] ?? 'undecided';
    return takenBack === 0n ? outcome : `${outcome}:${takenBack}`;
  });
}

const words = fc.constantFrom('-', ...['1', '2', '3', '4'].flatMap((id) => [`i${id}`, `I${id}`, `v${id}`]));

it('gives every row the outcome that its event has by itself, with filters and without', () => {
  const groups = fc.array(fc.array(words, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(groups, fc.boolean(), (log, filtered) => {
      const index: KnownKeys = new Map();
      const reference: KnownKeys = new Map();
      const seen = new Set<string>();
      let offset = 0;
      for (const group of log) {
        const from = offset;
        offset += group.length;
        const events = group.map((word, at) => eventOf(word, from + at));
        const columns = columnsOf(events, from);
        const surelyNew = new Uint8Array(columns.rows);
        for (const [row, event] of events.entries()) {
          if (!event) continue;
          const name = keyName(event.eventKey);
          if (filtered && !seen.has(name)) surelyNew[row] = 1;
          seen.add(name);
        }
        const asked = keysToAsk(columns, surelyNew);
        const known: KnownKeys = new Map();
        for (let at = 0; at < asked.length; at += KEY_BYTES) {
          const name = keyName(asked.subarray(at, at + KEY_BYTES));
          const entry = index.get(name);
          if (entry) known.set(name, { ...entry });
        }
        decideRows(columns, known, surelyNew);
        const expected = events.map((event) => {
          if (!event) return 'control';
          const { outcome, takesBack } = decide(event, reference);
          if (INDEXED.includes(outcome)) {
            const { interaction: first, void: taking } = reference.get(keyName(event.eventKey)) ?? {};
            index.set(keyName(event.eventKey), {
              ...(first ? { interaction: first } : {}),
              ...(taking ? { void: taking } : {}),
            });
          }
          return takesBack ? `${outcome}:${takesBack.position}` : outcome;
        });
        expect(told(columns)).toEqual(expected);
      }
    }),
    { numRuns: 1_000 },
  );
});

it('asks about each row that holds an event and is not surely new', () => {
  const events = ['i1', '-', 'v2', 'i3'].map(eventOf);
  const columns = columnsOf(events, 0);
  const asked = keysToAsk(columns, Uint8Array.from([0, 0, 0, 1]));
  expect(asked.equals(Buffer.concat([events[0], events[2]].map((event) => event?.eventKey ?? Buffer.alloc(0))))).toBe(
    true,
  );
});

it('tells keys apart that fall into the same slot', () => {
  const many = Array.from({ length: 3_000 }, (_, offset) => eventOf(`i${offset % 2_000}`, offset));
  const columns = columnsOf(many, 0);
  decideRows(columns, new Map(), new Uint8Array(columns.rows).fill(1));
  expect(columns.outcomes().get('counted')).toBe(2_000);
  expect(columns.outcomes().get('duplicate')).toBe(1_000);
});
