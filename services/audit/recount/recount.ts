/**
 * The second recount: everything from Kafka, by a reader that shares no code with what is checked. It imports nothing of
 * Tally (a test holds that), so a fault in the pipeline cannot be in it as well.
 */
import { type Layouts, learn, readDatum } from './datum.ts';
import { EventRecount } from './events.ts';
import { OffsetOutcomes, type RecountedOutcome } from './outcomes.ts';
import { PeopleRecount } from './people.ts';
import { Scopes } from './scopes.ts';
import { isValid } from './validity.ts';

/** A record as Kafka has it. */
export interface LogRecord {
  partition: number;
  offset: bigint;
  key: Buffer | null;
  value: Buffer | null;
  /** The broker's timestamp, milliseconds UTC. */
  timestamp: number;
}

/** Offsets from, up to but not with to. */
export interface OffsetRange {
  from: number;
  to: number;
}

export type TopicKind = 'interactions' | 'profiles';

export class Recount {
  readonly scopes = new Scopes();
  readonly events = new EventRecount(this.scopes);
  readonly people = new PeopleRecount(this.scopes);
  readonly #later: Layouts = new Map();

  /** Takes a record of the topic of announced schemas in; before the records that are of one. */
  learn({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    learn(this.#later, key, value);
  }

  /**
   * Takes a whole topic in.
   * @param ranges what to look at, by partition; their number is the topic's number of partitions
   * @param read calls back for each record of the topic, a partition's records in order; a record may come again
   * @returns what became of each offset, by partition
   */
  async take(
    kind: TopicKind,
    ranges: readonly OffsetRange[],
    read: (visit: (record: LogRecord) => void) => Promise<void>,
  ): Promise<OffsetOutcomes[]> {
    const outcomes = ranges.map(({ from, to }) => new OffsetOutcomes(from, to));
    const next = ranges.map(({ from }) => from);
    await read((record) => {
      const of = outcomes[record.partition];
      const offset = Number(record.offset);
      if (!of || offset >= of.to || offset < (next[record.partition] ?? of.to)) return;
      next[record.partition] = offset + 1;
      of.set(offset, this.#outcomeOf(kind, record, ranges.length));
    });
    return outcomes;
  }

  #outcomeOf(kind: TopicKind, { key, value, timestamp, partition }: LogRecord, partitions: number): RecountedOutcome {
    const datum = readDatum(value, this.#later);
    if (!datum || key === null) return 'dead-letter';
    if ((datum.kind === 'profile') !== (kind === 'profiles')) return 'dead-letter';
    if (!isValid(datum, { key, timestamp, partition, partitions })) return 'dead-letter';
    if (datum.kind !== 'profile') return this.events.take(datum, key);
    this.people.take(datum);
    return 'counted';
  }
}
