/**
 * A log without Kafka, for tests that need many small changes: rows as the consumer writes them into `ingest`, and the
 * offsets it would have committed.
 */

import { partsOf, positionOf } from '@tally/consumer';
import type { Day } from '@tally/metering';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
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

/** Writes rows into `ingest` as the consumer does: each to the shard of its partition. */
export async function writeRows(clickhouse: ClickHouse, rows: readonly { position: string | bigint }[]): Promise<void> {
  const byShard = Map.groupBy(rows.map(asText), ({ position }) =>
    clickhouse.shardOf(partsOf(BigInt(position)).partition),
  );
  for (const [shard, own] of byShard) await shard.insert('ingest', own);
}

/** JSON knows no 64 bits. */
function asText<Row extends { position: string | bigint }>(row: Row): Row & { position: string } {
  const texts = Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]);
  return Object.fromEntries(texts) as Row & { position: string };
}

/** Events of contacts, at ten o’clock of their days; an entity's are all in one partition. */
export class WrittenLog {
  readonly #system: WrittenSystem;
  readonly #epoch: number;
  readonly #partitions: number;
  readonly #written: WrittenEvent[] = [];
  /** Of each event. */
  readonly #positions: string[] = [];
  /** In each partition. */
  readonly #offsets: number[];

  private constructor(system: WrittenSystem, epoch: number, partitions: number) {
    this.#system = system;
    this.#epoch = epoch;
    this.#partitions = partitions;
    this.#offsets = Array.from({ length: partitions }, () => 0);
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
      const position = this.#place(entity);
      this.#positions.push(position);
      const environment = ['prod', 'test'][entity % 2];
      return {
        position,
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
        taken_back_position: event.voids === undefined ? '0' : (this.#positions[event.voids] ?? ''),
      };
    });
    await writeRows(this.#system.clickhouse, rows);
    return first;
  }

  /** Everything written is committed. */
  positions(): Record<string, number> {
    const { interactions } = this.#system.topics;
    const ends = Array.from({ length: this.#partitions }, (_, partition): [string, number] => [
      `${interactions}/${partition}`,
      this.#offsets[partition] ?? 0,
    ]);
    return Object.fromEntries(ends);
  }

  #place(entity: number): string {
    const partition = entity % this.#partitions;
    const offset = this.#offsets[partition] ?? 0;
    this.#offsets[partition] = offset + 1;
    return positionOf(this.#epoch, partition, BigInt(offset)).toString();
  }
}
