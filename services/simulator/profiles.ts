/**
 * Source records of people in several systems, with identifiers in different spellings: what unified profiles are
 * made of.
 */
import type { Identifier, ProfileRecord, TallyRecord } from '@tally/schemas';
import { malformedOnProfiles } from './malformed.ts';
import type { Environment, Population } from './population.ts';
import type { Random } from './random.ts';
import { type Send, sendOf } from './sends.ts';

const MALFORMED = 0.002;
/** Shares of what a send is, once an environment has records; the rest repeats a record or gives it a new state. */
const NEW_RECORD = 0.68;
const DELETE = 0.07;

const SAME_PERSON_AGAIN = 0.55;
/** A person's records come close together, so that groups stay small however long the stream. */
const PERSONS_NEARBY = 25;
const NO_IDENTIFIER = 0.05;
const WITH_EMAIL = 0.85;
const WITH_PHONE = 0.55;
const WITH_CUSTOMER_NUMBER = 0.15;
/** A household's phone or a shared mailbox: it joins two people's groups until the record changes or goes. */
const SHARED_WITH_ANOTHER = 0.04;
const MOVES_TO_ANOTHER_PERSON = 0.4;

const SOURCES = ['crm', 'shop', 'loyalty', 'support-desk'];
const FIRST_NAMES = ['lamar', 'anna', 'ola', 'jo', 'maria', 'chen', 'piotr', 'fatima', 'sven', 'aiko'];
const DOMAINS = ['contoso.com', 'example.org', 'poczta.example', 'mail.example'];

/** The records of one environment, by number: a record's number gives its source and id. */
interface Records {
  /** Whose each record is. */
  personOf: number[];
  persons: number;
}

export class Profiles {
  readonly #random: Random;
  readonly #population: Population;
  readonly #records: Records[];
  #malformed = 0;

  constructor(options: { random: Random; population: Population }) {
    this.#random = options.random;
    this.#population = options.population;
    this.#records = options.population.environments.map(() => ({ personOf: [], persons: 0 }));
  }

  /** The next profile record, as changed and sent at `now` (milliseconds UTC). */
  next(now: number): Send {
    const random = this.#random;
    const environment = this.#population.environment(random);
    const records = this.#records[environment.index] ?? { personOf: [], persons: 0 };
    const drawn = random.next();
    const isNew = records.personOf.length === 0 || drawn < NEW_RECORD;
    const number = isNew ? records.personOf.length : random.int(records.personOf.length);
    const isDelete = !isNew && drawn > 1 - DELETE;
    if (isNew || random.chance(MOVES_TO_ANOTHER_PERSON)) records.personOf[number] = this.#person(records);
    const identifiers = isDelete ? [] : this.#identifiers(records.personOf[number] ?? 0);
    const value = recordOf(environment, number, { operation: isDelete ? 'delete' : 'upsert', identifiers, now });
    const record: TallyRecord = { schema: 'ProfileRecord', value };
    if (!random.chance(MALFORMED)) return sendOf(record);
    if (isNew) records.personOf.pop();
    return malformedOnProfiles(this.#malformed++, record, random);
  }

  #person(records: Records): number {
    if (records.persons > 0 && this.#random.chance(SAME_PERSON_AGAIN)) {
      return Math.max(0, records.persons - 1 - this.#random.int(PERSONS_NEARBY));
    }
    return records.persons++;
  }

  #identifiers(person: number): Identifier[] {
    const random = this.#random;
    if (random.chance(NO_IDENTIFIER)) return [];
    const identifiers: Identifier[] = [];
    if (random.chance(WITH_EMAIL)) identifiers.push({ kind: 'email', value: spelledEmail(person, random) });
    if (random.chance(WITH_PHONE)) identifiers.push({ kind: 'phone', value: spelledPhone(person, random) });
    if (random.chance(WITH_CUSTOMER_NUMBER)) identifiers.push({ kind: 'customerNumber', value: ` C${person} ` });
    if (random.chance(SHARED_WITH_ANOTHER)) {
      const other = Math.max(0, person - 1 - random.int(PERSONS_NEARBY));
      identifiers.push({ kind: 'phone', value: spelledPhone(other, random) });
    }
    // Another person's address under another kind is another identifier: it must not join the two.
    if (random.chance(SHARED_WITH_ANOTHER)) identifiers.push({ kind: 'login', value: emailOf(person >> 1) });
    return identifiers;
  }
}

function recordOf(
  { tenantId, environmentId }: Environment,
  number: number,
  state: { operation: ProfileRecord['operation']; identifiers: Identifier[]; now: number },
): ProfileRecord {
  const source = SOURCES[number % SOURCES.length] ?? 'crm';
  const { operation, identifiers, now: changedAt } = state;
  return { tenantId, environmentId, source, recordId: `${source}-${number}`, operation, identifiers, changedAt };
}

/** The same people are in every environment and tenant; only records of one environment may join. */
function emailOf(person: number): string {
  return `${FIRST_NAMES[person % FIRST_NAMES.length]}.${person}@${DOMAINS[person % DOMAINS.length]}`;
}

function spelledEmail(person: number, random: Random): string {
  const email = emailOf(person);
  switch (random.int(5)) {
    case 0:
      return email.toUpperCase();
    case 1:
      return `  ${email} `;
    case 2:
      return `${email.charAt(0).toUpperCase()}${email.slice(1)}\t`;
    default:
      return email;
  }
}

function spelledPhone(person: number, random: Random): string {
  const digits = String(600_000_000 + person);
  const groups = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  switch (random.int(6)) {
    case 0:
      return `0048${digits}`;
    case 1:
      return `+48 ${groups.join(' ')}`;
    case 2:
      return `0048 ${groups.join('-')}`;
    case 3:
      return `(+48) ${groups.join(' ')}`;
    case 4:
      return ` +48-${groups.join('-')} `;
    default:
      return `+48${digits}`;
  }
}
