/**
 * The source systems of a scenario: records that come, merge by an address they share, split again, and go.
 */
import type { Random } from './random.ts';
import type { ModelRecord, ProfileValue } from './steps.ts';

const NEW_EACH_TIME = 10;
const MERGED_EACH_TIME = 3;
const SPLIT_EACH_TIME = 1;
const SANDBOX_EVERY = 6;

export class SourceSystems {
  readonly #random: Random;
  /** By tenant, as they are now. */
  readonly #records = new Map<string, ProfileValue[]>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** What changes in a tenant's systems at a time. */
  changes(tenantId: string, changedAt: number): ModelRecord[] {
    const records = this.#records.get(tenantId) ?? [];
    this.#records.set(tenantId, records);
    const changed = [
      ...Array.from({ length: NEW_EACH_TIME }, () => this.#add(records, tenantId)),
      ...Array.from({ length: MERGED_EACH_TIME }, () => this.#merge(records)),
      ...Array.from({ length: SPLIT_EACH_TIME }, () => this.#split(records)),
      ...(this.#random.chance(0.5) ? [this.#remove(records)] : []),
    ];
    return changed.map((value) => ({ schema: 'ProfileRecord', value: { ...value, changedAt } }));
  }

  #add(records: ProfileValue[], tenantId: string): ProfileValue {
    const number = records.length;
    const value: ProfileValue = {
      tenantId,
      environmentId: number % SANDBOX_EVERY === 5 ? 'sandbox' : 'prod',
      source: number % 2 === 0 ? 'crm' : 'shop',
      recordId: `r${number}`,
      operation: 'upsert',
      identifiers: number % 7 === 3 ? [] : [{ kind: 'email', value: `${number}@people.test` }],
      changedAt: 0,
    };
    records.push(value);
    return value;
  }

  /** Gives a record the address of another, in another spelling, beside its own. */
  #merge(records: ProfileValue[]): ProfileValue {
    const [one, other] = [this.#random.int(records.length), this.#random.pick(records)];
    const shared = other.identifiers.map(({ kind, value }) => ({ kind, value: ` ${value.toUpperCase()}` }));
    const own = records[one]?.identifiers ?? [];
    return this.#replace(records, one, { operation: 'upsert', identifiers: [...own, ...shared.slice(0, 1)] });
  }

  /** Leaves a record nothing but a phone number that nobody else has. */
  #split(records: ProfileValue[]): ProfileValue {
    const number = this.#random.int(records.length);
    const identifiers = [{ kind: 'phone', value: `0049 (30) ${1_000 + number}` }];
    return this.#replace(records, number, { operation: 'upsert', identifiers });
  }

  #remove(records: ProfileValue[]): ProfileValue {
    return this.#replace(records, this.#random.int(records.length), { operation: 'delete', identifiers: [] });
  }

  #replace(records: ProfileValue[], index: number, change: Partial<ProfileValue>): ProfileValue {
    const value = { ...(records[index] ?? this.#random.pick(records)), ...change };
    records[index] = value;
    return value;
  }
}
