/**
 * A log without Kafka, for tests that need many small changes: rows as the consumer writes them into `ingest`, and the
 * offsets it would have committed.
 */
import type { Day } from '@tally/metering';
import { dateTime64 } from '@tally/platform/clickhouse';
import { keyOf } from './keys.ts';
import type { TestSystem } from './system.ts';

export interface WrittenEvent {
  tenantId: string;
  entity: number;
  day: Day;
  /** Takes an earlier event back: what `write` returned for it. */
  voids?: number;
  inbound?: boolean;
}

/** Where it is written to. */
type WrittenSystem = Pick<TestSystem, 'clickhouse' | 'topics'>;

/** Events of contacts, at ten o’clock of their days, in the partitions by turns. */
export class WrittenLog {
  readonly #system: WrittenSystem;
  readonly #epoch: number;
  readonly #partitions: number;
  readonly #written: WrittenEvent[] = [];

  private constructor(system: WrittenSystem, epoch: number, partitions: number) {
    this.#system = system;
    this.#epoch = epoch;
    this.#partitions = partitions;
  }

  static async open(system: WrittenSystem, partitions: number): Promise<WrittenLog> {
    const { epoch } = await system.clickhouse.queryOne<{ epoch: number }>(
      'SELECT max(epoch) AS epoch FROM logs WHERE topic = {topic:String}',
      { topic: system.topics.interactions },
    );
    return new WrittenLog(system, epoch, partitions);
  }

  /** Returns the number of the first; those after it follow. */
  async write(...events: WrittenEvent[]): Promise<number> {
    const first = this.#written.length;
    this.#written.push(...events);
    const rows = events.map((event, index) => {
      const taken = event.voids === undefined ? undefined : this.#written[event.voids];
      const { tenantId, entity, day, inbound = false } = taken ?? event;
      const environment = ['prod', 'test'][entity % 2];
      return {
        position: this.#position(first + index),
        outcome: taken ? 'void' : 'counted',
        tenant_id: tenantId,
        environment_id: environment,
        entity_type: 'contact',
        entity_id: `e${entity}`,
        entity_key: keyOf(tenantId, entity),
        event_id: String(event.voids ?? first + index),
        event_key: keyOf('event', event.voids ?? first + index),
        channel: inbound ? 'form_submission' : 'email',
        direction: inbound ? 'inbound' : 'outbound',
        occurred_at: dateTime64(Date.parse(`${day}T10:00:00Z`)),
        taken_back_position: event.voids === undefined ? '0' : this.#position(event.voids),
      };
    });
    await this.#system.clickhouse.insert('ingest', rows);
    return first;
  }

  /** Everything written is committed. */
  positions(): Record<string, number> {
    const { interactions } = this.#system.topics;
    const ends = Array.from({ length: this.#partitions }, (_, partition): [string, number] => [
      `${interactions}/${partition}`,
      Math.ceil((this.#written.length - partition) / this.#partitions),
    ]);
    return Object.fromEntries(ends);
  }

  #position(index: number): string {
    const place = (BigInt(this.#epoch) << 56n) | (BigInt(index % this.#partitions) << 40n);
    return String(place | BigInt(Math.floor(index / this.#partitions)));
  }
}
