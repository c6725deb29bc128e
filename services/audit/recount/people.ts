/**
 * Unified people, recounted: of each source record the last state is kept, and at the end the identifiers, not the
 * records, are joined: two that stand on one record belong to one person. A person is a group of joined identifiers that
 * some record has, or a record without any.
 */
import type { ProfileDatum } from './datum.ts';
import { Numbering } from './numbering.ts';
import type { Scopes } from './scopes.ts';

export interface People {
  people: number;
  /** Source records that are not deleted. */
  records: number;
}

interface SourceRecord {
  scope: number;
  /** Numbers of its identifiers. */
  identifiers: number[];
}

const NUL = Buffer.alloc(1);

export class PeopleRecount {
  readonly #scopes: Scopes;
  readonly #records = new Numbering();
  readonly #identifiers = new Numbering();
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
    const numbers: number[] = [];
    for (const { kind, value } of identifiers) {
      const normal = normalForm(kind.toString(), value.toString());
      if (normal === '') continue;
      numbers.push(this.#identifiers.numberOf(joined([tenantId, environmentId, kind, Buffer.from(normal)])));
    }
    this.#states[record] = { scope: this.#scopes.numberOf(tenantId, environmentId), identifiers: numbers };
  }

  /** By number of the scope; scopes without a record are absent. */
  people(): Map<number, People> {
    const groups = new Groups(this.#identifiers.size);
    for (const state of this.#states) {
      const [first, ...others] = state?.identifiers ?? [];
      if (first !== undefined) for (const other of others) groups.join(first, other);
    }
    const people = new Map<number, People>();
    const met = new Uint8Array(this.#identifiers.size);
    for (const state of this.#states) {
      if (!state) continue;
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
}

/** The spelling under which an identifier is known. */
function normalForm(kind: string, value: string): string {
  if (kind === 'email') return value.trim().toLowerCase();
  if (kind !== 'phone') return value.trim();
  let form = '';
  for (const character of value) if (character === '+' || (character >= '0' && character <= '9')) form += character;
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
