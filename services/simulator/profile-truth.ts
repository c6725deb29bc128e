/**
 * The truth about unified profiles: the latest state of every source record, and groups found by walking from record to
 * record over shared identifiers. It follows LICENSING.md and shares no code with the pipeline.
 */
import { type Identifier, type ProfileRecord, recordKey } from '@tally/schemas';

export interface UnifiedFigures {
  /** Groups of records, summed over the environments. */
  total: number;
  byEnvironment: Record<string, number>;
  /** Records that are there, deleted ones not counted. */
  records: number;
}

interface State {
  tenantId: string;
  environmentId: string;
  /** Normalised, the kind included. */
  identifiers: string[];
}

export class ProfileTruth {
  readonly #live = new Map<string, State>();

  /** Takes a record's state in, in the order of the log. */
  add(record: ProfileRecord): void {
    const key = recordKey({ schema: 'ProfileRecord', value: record });
    if (record.operation === 'delete') {
      this.#live.delete(key);
      return;
    }
    const { tenantId, environmentId } = record;
    this.#live.set(key, { tenantId, environmentId, identifiers: record.identifiers.flatMap(normalForm) });
  }

  /** Tenant → figures; tenants without a live record are left out. */
  unified(): Map<string, UnifiedFigures> {
    const figures = new Map<string, UnifiedFigures>();
    const holders = this.#holders();
    const visited = new Set<State>();
    for (const state of this.#live.values()) {
      const { tenantId, environmentId } = state;
      const of = figures.get(tenantId) ?? { total: 0, byEnvironment: {}, records: 0 };
      figures.set(tenantId, of);
      of.records++;
      if (visited.has(state)) continue;
      walk(state, holders, visited);
      of.total++;
      of.byEnvironment[environmentId] = (of.byEnvironment[environmentId] ?? 0) + 1;
    }
    return figures;
  }

  /** Which records hold an identifier, each environment for itself. */
  #holders(): Map<string, State[]> {
    const holders = new Map<string, State[]>();
    for (const state of this.#live.values()) {
      for (const identifier of state.identifiers) {
        const scoped = inScope(state, identifier);
        const others = holders.get(scoped);
        if (others) others.push(state);
        else holders.set(scoped, [state]);
      }
    }
    return holders;
  }
}

/** Visits every record that can be reached from one, breadth first. */
function walk(from: State, holders: Map<string, State[]>, visited: Set<State>): void {
  const queue = [from];
  visited.add(from);
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at];
    for (const identifier of state?.identifiers ?? []) {
      const scoped = inScope(from, identifier);
      const neighbours = holders.get(scoped) ?? [];
      // Nobody needs to come this way again: everyone who holds the identifier is in the queue now.
      holders.delete(scoped);
      for (const neighbour of neighbours) {
        if (visited.has(neighbour)) continue;
        visited.add(neighbour);
        queue.push(neighbour);
      }
    }
  }
}

function inScope({ tenantId, environmentId }: State, identifier: string): string {
  return `${tenantId}/${environmentId}/${identifier}`;
}

/** LICENSING: e-mail trimmed and lower-cased, phone `+` and digits, others trimmed. One that is empty then names nobody. */
function normalForm({ kind, value }: Identifier): string[] {
  const trimmed = value.trim();
  const normal = kind === 'email' ? trimmed.toLowerCase() : kind === 'phone' ? phoneForm(trimmed) : trimmed;
  return normal === '' ? [] : [`${kind}:${normal}`];
}

function phoneForm(value: string): string {
  let form = '';
  for (const character of value) {
    const isDigit = character >= '0' && character <= '9';
    if (isDigit || character === '+') form += character;
  }
  if (!/[0-9]/.test(form)) return '';
  return form.startsWith('00') ? `+${form.slice(2)}` : form;
}
