/**
 * Lists that people hand in, line by line: all of it is taken, or every fault is told with its line and field.
 */
import { z } from 'zod';
import { type Day, isDay } from './calendar.ts';

export interface LineFault {
  /** From 1. */
  line: number;
  /** Empty where the whole line is at fault. */
  field: string;
  message: string;
}

export type CheckedLines<Line> = { ok: true; lines: Line[] } | { ok: false; faults: LineFault[] };

/** A UTC day of a line. */
export const lineDay = z
  .string('must be a day, YYYY-MM-DD')
  .refine(isDay, 'must be a day, YYYY-MM-DD')
  .meta({ format: 'date', description: 'a day in UTC, YYYY-MM-DD' });

/** When a line begins, and the first day on which it is over; null while it is open. */
export interface Spell {
  startsOn: Day;
  endsOn: Day | null;
}

/** Whether a line is in force on a day: from its first day until its end, which is exclusive. */
export function inForceOn({ startsOn, endsOn }: Spell, on: Day): boolean {
  return startsOn <= on && (endsOn === null || on < endsOn);
}

/**
 * Checks lines by a schema and by `across`, which looks at several fields together and is asked of every line that is an
 * object, so that one answer has all faults. It must not trust any field's type.
 */
export function checkLines<Schema extends z.ZodType>(
  written: readonly unknown[],
  schema: Schema,
  across: (line: Readonly<Record<string, unknown>>) => Omit<LineFault, 'line'>[],
): CheckedLines<z.infer<Schema>> {
  const lines: z.infer<Schema>[] = [];
  const faults: LineFault[] = [];
  for (const [index, one] of written.entries()) {
    const line = index + 1;
    const parsed = schema.safeParse(one);
    if (parsed.success) lines.push(parsed.data);
    else
      faults.push(
        ...parsed.error.issues.map((issue) => ({ line, field: issue.path.join('.'), message: issue.message })),
      );
    if (typeof one !== 'object' || one === null) continue;
    faults.push(...across(one as Record<string, unknown>).map((fault) => ({ line, ...fault })));
  }
  return faults.length === 0 ? { ok: true, lines } : { ok: false, faults };
}

/** The fault of an end that is not after the start. */
export function spellFaults({ startsOn, endsOn }: Readonly<Record<string, unknown>>): Omit<LineFault, 'line'>[] {
  if (typeof startsOn !== 'string' || typeof endsOn !== 'string') return [];
  if (!isDay(startsOn) || !isDay(endsOn) || endsOn > startsOn) return [];
  return [{ field: 'endsOn', message: 'must be after startsOn: it is the first day on which the line is over' }];
}
