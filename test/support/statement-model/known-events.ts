/**
 * The interactions of one tenant as they are known so far: a plain list, gone through again for every question.
 */
import { type DayNumber, dayAt, dayNumber, yearsLater } from './days.ts';
import type { InteractionValue, ModelPolicyStart, ModelRecord } from './steps.ts';

interface KnownEvent {
  /** The first one of its id; undefined while only a void of it came. */
  value: InteractionValue | undefined;
  voided: boolean;
}

interface Counted {
  day: DayNumber;
  value: InteractionValue;
}

interface Person {
  value: InteractionValue;
  /** With something that counts, in any order. */
  days: DayNumber[];
}

type Counts = Record<string, number>;

export class KnownEvents {
  readonly #events = new Map<string, KnownEvent>();
  #starts: readonly ModelPolicyStart[] = [];
  /** What counts, until something new is known. */
  #counted: readonly Counted[] | undefined;
  #people: readonly Person[] | undefined;
  readonly #engaged = new Map<DayNumber, InteractionValue[]>();

  /** Takes the next interaction or void in. */
  take(record: Exclude<ModelRecord, { schema: 'ProfileRecord' }>): void {
    const { environmentId, entityType, entityId, eventId } = record.value;
    const identity = JSON.stringify([environmentId, entityType, entityId, eventId]);
    const known = this.#events.get(identity) ?? { value: undefined, voided: false };
    if (record.schema === 'Interaction') known.value ??= record.value;
    else known.voided = true;
    this.#events.set(identity, known);
    this.#forget();
  }

  /** From now on, days are judged by these. */
  judgeBy(starts: readonly ModelPolicyStart[]): void {
    this.#starts = starts;
    this.#forget();
  }

  /** Everything that counts on days from one to another, both included. */
  between(first: DayNumber, last: DayNumber): InteractionValue[] {
    return this.#all().flatMap(({ day, value }) => (first <= day && day <= last ? [value] : []));
  }

  /** One interaction of each person that is engaged on a day. */
  engagedOn(day: DayNumber): readonly InteractionValue[] {
    const known = this.#engaged.get(day);
    if (known) return known;
    const aYearBefore = yearsLater(day, -1);
    const engaged: InteractionValue[] = [];
    for (const { value, days } of this.#everybody()) {
      if (days.some((on) => aYearBefore < on && on <= day)) engaged.push(value);
    }
    this.#engaged.set(day, engaged);
    return engaged;
  }

  policyOn(day: DayNumber): ModelPolicyStart['policy'] {
    let newest: ModelPolicyStart | undefined;
    for (const start of this.#starts) {
      if (dayNumber(start.from) <= day && (!newest || newest.from < start.from)) newest = start;
    }
    return newest?.policy ?? 'all';
  }

  #all(): readonly Counted[] {
    if (this.#counted) return this.#counted;
    const counted: Counted[] = [];
    for (const { value, voided } of this.#events.values()) {
      if (!value || voided) continue;
      const day = dayAt(value.occurredAt);
      if (this.policyOn(day) === 'all' || value.direction === 'outbound') counted.push({ day, value });
    }
    this.#counted = counted;
    return counted;
  }

  #everybody(): readonly Person[] {
    if (this.#people) return this.#people;
    const people = new Map<string, Person>();
    for (const { day, value } of this.#all()) {
      const { environmentId, entityType, entityId } = value;
      const identity = JSON.stringify([environmentId, entityType, entityId]);
      const person = people.get(identity) ?? { value, days: [] };
      person.days.push(day);
      people.set(identity, person);
    }
    this.#people = [...people.values()];
    return this.#people;
  }

  #forget(): void {
    this.#counted = undefined;
    this.#people = undefined;
    this.#engaged.clear();
  }
}

/** How many of each name; names that nothing has are left out. */
export function countsBy(
  values: readonly InteractionValue[],
  name: 'channel' | 'environmentId' | 'entityType',
): Counts {
  const counts: Counts = {};
  for (const value of values) counts[value[name]] = (counts[value[name]] ?? 0) + 1;
  return counts;
}
