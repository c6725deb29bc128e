/**
 * The profile records of one tenant as they are known so far, and how many people they are: every record begins as a
 * person of its own, and as long as two that share an identifier are not the same person, they become one.
 */
import type { ProfileValue } from './steps.ts';

export interface UnifiedFigure {
  total: number;
  byEnvironment: Record<string, number>;
}

interface Person {
  environmentId: string;
  identifiers: Set<string>;
}

export class KnownProfiles {
  readonly #records = new Map<string, ProfileValue>();

  /** Takes the next record in. */
  take(value: ProfileValue): void {
    this.#records.set(JSON.stringify([value.environmentId, value.source, value.recordId]), value);
  }

  /** Whether there ever was a record. */
  get any(): boolean {
    return this.#records.size > 0;
  }

  /** Environments in which there ever was a record are named, with 0 where none is left. */
  people(): UnifiedFigure {
    const byEnvironment: Record<string, number> = {};
    for (const { environmentId } of this.#records.values()) byEnvironment[environmentId] = 0;
    let total = 0;
    for (const { environmentId } of this.#merged()) {
      byEnvironment[environmentId] = (byEnvironment[environmentId] ?? 0) + 1;
      total++;
    }
    return { total, byEnvironment };
  }

  #merged(): Person[] {
    let people: Person[] = [];
    for (const { environmentId, operation, identifiers } of this.#records.values()) {
      if (operation === 'delete') continue;
      const merged: Person = { environmentId, identifiers: new Set(identifiers.flatMap(normalForm)) };
      const others: Person[] = [];
      for (const person of people) {
        const same = person.environmentId === environmentId && shareOne(person.identifiers, merged.identifiers);
        if (same) for (const identifier of person.identifiers) merged.identifiers.add(identifier);
        else others.push(person);
      }
      people = [...others, merged];
    }
    return people;
  }
}

/** None for an identifier that names nobody. */
function normalForm({ kind, value }: { kind: string; value: string }): string[] {
  let normal = value.trim();
  if (kind === 'email') normal = normal.toLowerCase();
  if (kind === 'phone') {
    normal = normal.replaceAll(/[^+0-9]/g, '').replace(/^00/, '+');
    if (!/\d/.test(normal)) return [];
  }
  return normal === '' ? [] : [JSON.stringify([kind, normal])];
}

function shareOne(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...some].some((identifier) => others.has(identifier));
}
