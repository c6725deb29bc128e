/**
 * Unified people, recounted: of each source record the last state is kept, and at the end the identifiers, not the
 * records, are joined: two that stand on one record belong to one person. A person is a group of joined identifiers that
 * some record has, or a record without any. Identifiers of kinds that do not join, and those that more records share than
 * the limit, are taken off the records first.
 */
import type { ProfileDatum } from './datum.ts';
import { Numbering } from './numbering.ts';
import type { Scope, Scopes } from './scopes.ts';

export interface People {
  people: number;
  /** Source records that are not deleted. */
  records: number;
}

/** How a tenant's records are unified. */
export interface JoinRules {
  /** Kinds that join; null: every kind. */
  kinds: readonly string[] | null;
  /** An identifier that more records share joins nobody. */
  limit: number;
}

interface SourceRecord {
  scope: number;
  /** Numbers of its identifiers, each once. */
  identifiers: readonly number[];
}

const NUL = Buffer.alloc(1);

export class PeopleRecount {
  readonly #scopes: Scopes;
  readonly #records = new Numbering();
  readonly #identifiers = new Numbering();
  /** The kind of each identifier, by its number. */
  readonly #kinds: string[] = [];
  /** By number of the record; undefined is deleted. */
  readonly #states: (SourceRecord | undefined)[] = [];

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  /** Takes the next valid record of a partition in. */
  take({ tenantId, environmentId, source, recordId, deleted, identifiers }: ProfileDatum): void {
    const record = this.#records.numberOf(joined([tenantId, environmentId, source, recordId]));
    if (deleted) {
      this.#states[record] = undefined;
      return;
    }
    const numbers = new Set<number>();
    for (const { kind, value } of identifiers) {
      const normal = normalForm(kind.toString(), value.toString());
      if (normal === '') continue;
      const number = this.#identifiers.numberOf(joined([tenantId, environmentId, kind, Buffer.from(normal)]));
      this.#kinds[number] = kind.toString();
      numbers.add(number);
    }
    this.#states[record] = { scope: this.#scopes.numberOf(tenantId, environmentId), identifiers: [...numbers] };
  }

  /** By number of the scope; scopes without a record are absent. */
  people(rulesOf: (scope: Scope) => JoinRules): Map<number, People> {
    const states = this.#joining(this.#scopes.all().map(rulesOf));
    const groups = new Groups(this.#identifiers.size);
    for (const { identifiers } of states) {
      const [first, ...others] = identifiers;
      if (first !== undefined) for (const other of others) groups.join(first, other);
    }
    const people = new Map<number, People>();
    const met = new Uint8Array(this.#identifiers.size);
    for (const state of states) {
      const of = people.get(state.scope) ?? { people: 0, records: 0 };
      people.set(state.scope, of);
      of.records++;
      const [first] = state.identifiers;
      const group = first === undefined ? undefined : groups.of(first);
      if (group !== undefined && met[group] === 1) continue;
      if (group !== undefined) met[group] = 1;
      of.people++;
    }
    return people;
  }

  /** The records that are there, each with those of its identifiers alone that join. */
  #joining(rules: readonly JoinRules[]): SourceRecord[] {
    const live = this.#states.filter((state) => state !== undefined);
    const sharing = new Uint32Array(this.#identifiers.size);
    for (const { identifiers } of live) for (const number of identifiers) sharing[number] = (sharing[number] ?? 0) + 1;
    return live.map(({ scope, identifiers }) => {
      const of = rules[scope];
      const joins = (number: number): boolean =>
        of === undefined ||
        ((sharing[number] ?? 0) <= of.limit && (of.kinds === null || of.kinds.includes(this.#kinds[number] ?? '')));
      return { scope, identifiers: identifiers.filter(joins) };
    });
  }
}

/** The spelling under which an identifier is known. */
function normalForm(kind: string, value: string): string {
  if (kind === 'email') return value.trim().toLowerCase();
  if (kind !== 'phone') return value.trim();
  let form = '';
  for (const character of value) if (character === '+' || (character >= '0' && character <= '9')) form += character;
  // Signs alone are nobody's number.
  if (!/[0-9]/.test(form)) return '';
  return form.startsWith('00') ? `+${form.slice(2)}` : form;
}

/** Ids hold no control character, so a zero byte keeps them apart; what comes last may hold any. */
function joined(texts: readonly Buffer[]): Buffer {
  return Buffer.concat(texts.flatMap((text, index) => (index === 0 ? [text] : [NUL, text])));
}

/** Which numbers belong together: each points to another of its group, or to itself. */
class Groups {
  readonly #towards: Uint32Array;

  constructor(size: number) {
    this.#towards = Uint32Array.from({ length: size }, (_, number) => number);
  }

  join(a: number, b: number): void {
    this.#towards[this.of(a)] = this.of(b);
  }

  /** The number that stands for the group. */
  of(number: number): number {
    let end = number;
    while (this.#towards[end] !== end) end = this.#towards[end] ?? end;
    for (let at = number; at !== end; ) {
      const next = this.#towards[at] ?? end;
      this.#towards[at] = end;
      at = next;
    }
    return end;
  }
}
