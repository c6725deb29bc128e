/**
 * Groups that were looked up and may not be written yet: the index does not have their keys.
 */
import { type EventColumns, ROW_KIND } from './event-columns.ts';
import { KEY_BYTES } from './hash.ts';

interface Events {
  events: EventColumns;
  /** Which rows of `events` came from which partition. */
  stretches: readonly { partition: number; from: number; to: number }[];
}

export class Unwritten {
  readonly #groups = new Set<Events>();

  add(group: Events): void {
    this.#groups.add(group);
  }

  delete(group: Events): void {
    this.#groups.delete(group);
  }

  /** Of a partition's keys, the first 32 bits each. */
  *fingerprintsOf(partition: number): Generator<number> {
    for (const { events, stretches } of this.#groups) {
      const { kinds, eventKeys } = events;
      const words = new Uint32Array(eventKeys.buffer, eventKeys.byteOffset, eventKeys.length / 4);
      for (const stretch of stretches) {
        if (stretch.partition !== partition) continue;
        for (let row = stretch.from; row < stretch.to; row++) {
          if (kinds[row] !== ROW_KIND.empty) yield words[(row * KEY_BYTES) / 4] ?? 0;
        }
      }
    }
  }
}
