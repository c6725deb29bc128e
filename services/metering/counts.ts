/**
 * Counts by id. `constructor` and `__proto__` are ids as all others, and names that a plain object has of its own accord:
 * to add to its `constructor` makes a text, and what is put under `__proto__` is lost.
 */
import { z } from 'zod';

export type Counts = Record<string, number>;

/** To be filled: it has no name of its own accord, so each may be set and read. */
export function byId<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

/** To counts that `byId` made. */
export function addTo(counts: Counts, id: string, count: number): void {
  counts[id] = (counts[id] ?? 0) + count;
}

/** 0 where there is none; of any object. */
export function countOf(counts: Readonly<Counts>, id: string): number {
  return Object.hasOwn(counts, id) ? (counts[id] ?? 0) : 0;
}

/** Of an outsider's JSON, taken as it is: zod's own `record` leaves `__proto__` out. */
export function recordById<Value>(value: z.ZodType<Value>): z.ZodType<Record<string, Value>> {
  return z.custom<Record<string, Value>>(
    (input) =>
      typeof input === 'object' &&
      input !== null &&
      !Array.isArray(input) &&
      Object.values(input).every((one) => value.safeParse(one).success),
    'must be an object whose values are all of one kind',
  );
}
