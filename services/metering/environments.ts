/**
 * A tenant's environments. They own nothing of their own: every one's usage adds to the tenant's figure, registered or
 * not. (Rules: "Environments".)
 */
import { z } from 'zod';
import type { Day } from './calendar.ts';
import {
  type CheckedLines,
  checkLines,
  inForceOn,
  type LineFault,
  lineDay,
  type Spell,
  spellFaults,
} from './checked-lines.ts';

export const ENVIRONMENT_TYPES = ['production', 'sandbox', 'developer', 'trial'] as const;
export type EnvironmentType = (typeof ENVIRONMENT_TYPES)[number];

export interface Environment extends Spell {
  id: string;
  name: string;
  type: EnvironmentType;
  /** Where it is, as its owner calls it: `eu`, `us-west`. */
  geo: string;
}

const NAME_CHARS_MAX = 200;
const GEO_CHARS_MAX = 64;

/** An environment as outsiders write it; what must hold across its fields is environmentsOf's. */
export const environmentLine = z
  .strictObject({
    id: z.string('must be an environment id').regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'is not an environment id'),
    name: z.string('must be a text').trim().min(1, 'must not be empty').max(NAME_CHARS_MAX),
    type: z.enum(ENVIRONMENT_TYPES, `must be one of ${ENVIRONMENT_TYPES.join(', ')}`),
    geo: z.string('must be a text').trim().min(1, 'must not be empty').max(GEO_CHARS_MAX),
    startsOn: lineDay,
    endsOn: lineDay.nullish(),
  })
  .transform(({ endsOn, ...line }): Environment => ({ ...line, endsOn: endsOn ?? null }));

/** Environments as outsiders write them, or what is wrong with each. One may stand there several times, with other days. */
export function environmentsOf(written: readonly unknown[]): CheckedLines<Environment> {
  const checked = checkLines(written, environmentLine, spellFaults);
  if (!checked.ok) return checked;
  const faults = overlapFaults(checked.lines);
  return faults.length === 0 ? checked : { ok: false, faults };
}

function overlapFaults(lines: readonly Environment[]): LineFault[] {
  return lines.flatMap((line, index) => {
    const other = lines.findIndex((one, at) => at < index && one.id === line.id && overlap(one, line));
    if (other < 0) return [];
    return [
      { line: index + 1, field: 'startsOn', message: `${line.id} is there on the same days in line ${other + 1}` },
    ];
  });
}

function overlap(a: Spell, b: Spell): boolean {
  return (b.endsOn === null || a.startsOn < b.endsOn) && (a.endsOn === null || b.startsOn < a.endsOn);
}

/** What an environment was on a day; where it was not there, what it was last before, or else what it will be first. */
export function environmentOn(lines: readonly Environment[], id: string, on: Day): Environment | undefined {
  const own = lines.filter((line) => line.id === id).sort((a, b) => (a.startsOn < b.startsOn ? -1 : 1));
  return own.find((line) => inForceOn(line, on)) ?? own.findLast(({ startsOn }) => startsOn <= on) ?? own[0];
}
