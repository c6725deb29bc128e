/**
 * The truth about interactions: what each event came to, and from that the first two meters. It follows LICENSING.md
 * and shares no code with the pipeline.
 */
import { type Interaction, type InteractionVoided, recordKey } from '@tally/schemas';
import { addMonths, dayOf, monthOf, monthText, parseDay } from './calendar.ts';
import { engagedByDay } from './engaged-days.ts';
import { IdentityTable } from './identity-table.ts';
import { Numbering } from './numbering.ts';

/** What became of each send to the interactions topic; together they are all of them. */
export interface Outcomes {
  /** First occurrences, also of events that were taken back later. */
  counted: number;
  /** The event was there before with the same content, or the void was there before. */
  duplicate: number;
  /** The event was there before with other content; the first one stands. */
  conflicting: number;
  /** First void of an event. */
  void: number;
  /** First occurrence of an event whose void was there before. */
  suppressed: number;
  deadLetter: number;
}

export interface MonthFigures {
  total: number;
  byChannel: Record<string, number>;
  byEnvironment: Record<string, number>;
}

export interface EngagedFigures {
  total: number;
  byEnvironment: Record<string, number>;
  byEntityType: Record<string, number>;
}

interface Entity {
  tenantId: string;
  environmentId: string;
  entityType: string;
}

const INTERACTED = 1;
const VOIDED = 2;
const WINDOW_MONTHS = 12;

export class InteractionTruth {
  readonly outcomes: Outcomes = { counted: 0, duplicate: 0, conflicting: 0, void: 0, suppressed: 0, deadLetter: 0 };
  readonly #events = new IdentityTable();
  readonly #entityNumbers = new Numbering<string>();
  readonly #entities: Entity[] = [];
  /** Channels and directions, few enough for a byte each. */
  readonly #kinds = new Numbering<string>();
  readonly #names = new Numbering<string | null>();

  /** Takes an interaction in, in the order of the log. */
  addInteraction(interaction: Interaction): void {
    const row = this.#rowOf(interaction, recordKey({ schema: 'Interaction', value: interaction }));
    const { seen } = this.#events.columns;
    const before = seen[row] ?? 0;
    if (before & INTERACTED) {
      this.outcomes[this.#equalsFirst(row, interaction) ? 'duplicate' : 'conflicting']++;
      return;
    }
    this.#keep(row, interaction);
    seen[row] = before | INTERACTED;
    this.outcomes[before & VOIDED ? 'suppressed' : 'counted']++;
  }

  /** Takes a void in, in the order of the log. */
  addVoid(voided: InteractionVoided): void {
    const row = this.#rowOf(voided, recordKey({ schema: 'InteractionVoided', value: voided }));
    const { seen } = this.#events.columns;
    const before = seen[row] ?? 0;
    this.outcomes[before & VOIDED ? 'duplicate' : 'void']++;
    seen[row] = before | VOIDED;
  }

  /** Tenant → month → figures; months with nothing counted are left out. */
  interactions(): Map<string, Map<string, MonthFigures>> {
    const figures = new Map<string, Map<string, MonthFigures>>();
    const { occurredAt, channel } = this.#events.columns;
    const monthByDay = new Map<number, string>();
    this.#eachCounted((row, { tenantId, environmentId }) => {
      const day = dayOf(occurredAt[row] ?? 0);
      const month = monthByDay.get(day) ?? monthText(monthOf(day));
      monthByDay.set(day, month);
      const months = getOr(figures, tenantId, () => new Map<string, MonthFigures>());
      const of = getOr(months, month, () => ({ total: 0, byChannel: {}, byEnvironment: {} }));
      of.total++;
      addOne(of.byChannel, this.#kinds.nameOf(channel[row] ?? 0) ?? '');
      addOne(of.byEnvironment, environmentId);
    });
    return figures;
  }

  /**
   * Tenant → entities with an interaction in the 12 months that end with the day (UTC, `YYYY-MM-DD`); tenants without
   * any are left out. Throws RangeError when the day is none.
   */
  engaged(day: string): Map<string, EngagedFigures> {
    const last = parseDay(day);
    const before = addMonths(last, -WINDOW_MONTHS);
    const figures = new Map<string, EngagedFigures>();
    const { entity, occurredAt } = this.#events.columns;
    const isEngaged = new Uint8Array(this.#entities.length);
    this.#eachCounted((row, { tenantId, environmentId, entityType }) => {
      const number = entity[row] ?? 0;
      const on = dayOf(occurredAt[row] ?? 0);
      if (on <= before || on > last || isEngaged[number]) return;
      isEngaged[number] = 1;
      const of = getOr(figures, tenantId, () => ({ total: 0, byEnvironment: {}, byEntityType: {} }));
      of.total++;
      addOne(of.byEnvironment, environmentId);
      addOne(of.byEntityType, entityType);
    });
    return figures;
  }

  /** Tenant → how many people are engaged on each day from one to another, both included. Days since 1970-01-01. */
  engagedDays(first: number, last: number): Map<string, number[]> {
    const entitiesByDay = new Map<number, number[]>();
    const { entity, occurredAt } = this.#events.columns;
    this.#eachCounted((row) => {
      getOr(entitiesByDay, dayOf(occurredAt[row] ?? 0), () => []).push(entity[row] ?? 0);
    });
    const tenantOf = this.#entities.map(({ tenantId }) => tenantId);
    return engagedByDay({ entitiesByDay, tenantOf, first, last });
  }

  #eachCounted(visit: (row: number, entity: Entity) => void): void {
    const { seen, entity } = this.#events.columns;
    for (let row = 0; row < this.#events.size; row++) {
      const of = this.#entities[entity[row] ?? 0];
      if (seen[row] === INTERACTED && of) visit(row, of);
    }
  }

  #rowOf(event: Interaction | InteractionVoided, key: string): number {
    const number = this.#entityNumbers.numberOf(key);
    if (number === this.#entities.length) {
      const { tenantId, environmentId, entityType } = event;
      this.#entities.push({ tenantId, environmentId, entityType });
    }
    return this.#events.rowOf(number, event.eventId);
  }

  #keep(row: number, interaction: Interaction): void {
    const { columns } = this.#events;
    columns.occurredAt[row] = interaction.occurredAt;
    columns.journey[row] = this.#names.numberOf(interaction.journeyId);
    columns.provider[row] = this.#names.numberOf(interaction.provider);
    columns.channel[row] = this.#kinds.numberOf(interaction.channel);
    columns.direction[row] = this.#kinds.numberOf(interaction.direction);
  }

  #equalsFirst(row: number, interaction: Interaction): boolean {
    const { columns } = this.#events;
    return (
      columns.occurredAt[row] === interaction.occurredAt &&
      columns.journey[row] === this.#names.numberOf(interaction.journeyId) &&
      columns.provider[row] === this.#names.numberOf(interaction.provider) &&
      columns.channel[row] === this.#kinds.numberOf(interaction.channel) &&
      columns.direction[row] === this.#kinds.numberOf(interaction.direction)
    );
  }
}

function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

function addOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
