/**
 * Unified people of one environment: the connected groups of records that share an identifier. Records come one by one;
 * of each only its identifiers' numbers are kept, so ten million records take some hundred megabytes. Who joins is
 * decided at the end, since an identifier that too many records share joins nobody.
 */
import { IdentifierTable } from './identifier-table.ts';
import { UintList } from './uint-list.ts';

export interface Resolution {
  people: number;
  records: number;
  /** Identifiers that joined nobody because more records than the limit share them, the widest shared first. */
  overLimit: { key: bigint; records: number }[];
  /** How many more there are than are listed. */
  overLimitOmitted: number;
}

const NOBODY = 0xffff_ffff;

export class IdentityResolution {
  readonly #identifiers = new IdentifierTable();
  /** Records that have each identifier, and the last of them, so that one that a record repeats counts once. */
  readonly #holders = new UintList();
  readonly #lastHolder = new UintList();
  /** The records' identifiers, one record after the other, and where each record's begin. */
  readonly #links = new UintList();
  readonly #starts = new UintList();

  /** Adds an identifier, 128 bits in four words, the lowest first, to the record that `endRecord` will end. */
  identifier(a: number, b: number, c: number, d: number): void {
    const record = this.#starts.length;
    const identifier = this.#identifiers.numberOf(a, b, c, d);
    if (identifier === this.#holders.length) {
      this.#holders.push(0);
      this.#lastHolder.push(NOBODY);
    }
    if (this.#lastHolder.at(identifier) === record) return;
    this.#lastHolder.set(identifier, record);
    this.#holders.set(identifier, this.#holders.at(identifier) + 1);
    this.#links.push(identifier);
  }

  /** Ends a record, with the identifiers given since the one before; without any it is a person of its own. */
  endRecord(): void {
    this.#starts.push(this.#links.length);
  }

  /**
   * The groups. May be asked again, with other limits or after more records.
   * @param sharedByMax an identifier that more records than this share joins nobody
   * @param listedMax how many of those are listed
   */
  resolve({ sharedByMax, listedMax }: { sharedByMax: number; listedMax: number }): Resolution {
    const records = this.#starts.length;
    return { people: records - this.#join(sharedByMax).joins, records, ...this.#overLimit(sharedByMax, listedMax) };
  }

  /** For each record, in the order in which they were given, the number of the first record of its person. */
  firstOfPersons(sharedByMax: number): Uint32Array {
    const { parents } = this.#join(sharedByMax);
    // A parent is never behind its child, so each one is a root by the time it is asked.
    for (let record = 0; record < parents.length; record++)
      parents[record] = parents[parents[record] ?? record] ?? record;
    return parents;
  }

  /** Joins the records; also how often two groups became one. */
  #join(sharedByMax: number): { parents: Uint32Array; joins: number } {
    const records = this.#starts.length;
    const parents = new Uint32Array(records);
    for (let record = 0; record < records; record++) parents[record] = record;
    const first = new Uint32Array(this.#holders.length).fill(NOBODY);
    let joins = 0;
    for (let record = 0, link = 0; record < records; record++) {
      for (const end = this.#starts.at(record); link < end; link++) {
        const identifier = this.#links.at(link);
        if (this.#holders.at(identifier) > sharedByMax) continue;
        const other = first[identifier] ?? NOBODY;
        if (other === NOBODY) first[identifier] = record;
        else if (join(parents, other, record)) joins++;
      }
    }
    return { parents, joins };
  }

  #overLimit(sharedByMax: number, listedMax: number): Pick<Resolution, 'overLimit' | 'overLimitOmitted'> {
    const widest: { identifier: number; records: number }[] = [];
    let found = 0;
    for (let identifier = 0; identifier < this.#holders.length; identifier++) {
      const records = this.#holders.at(identifier);
      if (records <= sharedByMax) continue;
      found++;
      widest.push({ identifier, records });
      // Sorting now and then keeps the list short, however many there are.
      if (widest.length >= 2 * listedMax + 1_000) keepWidest(widest, listedMax);
    }
    keepWidest(widest, listedMax);
    const overLimit = widest.map(({ identifier, records }) => ({ key: this.#identifiers.keyOf(identifier), records }));
    return { overLimit, overLimitOmitted: found - overLimit.length };
  }
}

function keepWidest(list: { identifier: number; records: number }[], max: number): void {
  list.sort((a, b) => b.records - a.records || a.identifier - b.identifier);
  list.length = Math.min(list.length, max);
}

/** Whether two groups became one. */
function join(parents: Uint32Array, a: number, b: number): boolean {
  const rootA = root(parents, a);
  const rootB = root(parents, b);
  if (rootA === rootB) return false;
  parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  return true;
}

function root(parents: Uint32Array, record: number): number {
  for (let at = record; ; ) {
    const parent = parents[at] ?? at;
    if (parent === at) return at;
    // Path halving keeps later walks short.
    at = parents[at] = parents[parent] ?? parent;
  }
}
