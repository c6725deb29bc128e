/**
 * The keys as a service holds them: all of them, read again when they are older than a few seconds. So a request costs no
 * query, and a key that is revoked anywhere is refused everywhere within `KEPT_MS`. A key that is not among them is waited
 * for with one reading that all such requests share, so one that was just handed out works at once.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Logger } from '@tally/platform/log';
import { idOfKey, isKeyOf } from './key.ts';
import { type StoredKey, storedKeys, storeUse } from './stored-keys.ts';

/** A revocation holds in every service after this long. */
const KEPT_MS = 5_000;
/** Readings for keys that are not known are at least this far apart. */
const MISS_INTERVAL_MS = 1_000;
/** While ClickHouse is away nobody can revoke, so what is known goes on; not for ever, as only this service may be cut off. */
const STALE_MS_MAX = 300_000;
const USE_INTERVAL_MS = 60_000;

export interface KeyRegisterOptions {
  clickhouse: ClickHouse;
  log: Logger;
  clock: () => number;
}

export class KeyRegister {
  readonly #options: KeyRegisterOptions;
  readonly #usesWritten = new Map<string, number>();
  readonly #writing = new Set<Promise<void>>();
  #keys: ReadonlyMap<string, StoredKey> = new Map();
  /** Of the reading that `#keys` is from: when it began. */
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** A reading that began before a change of ours says nothing. */
  #generation = 0;

  constructor(options: KeyRegisterOptions) {
    this.#options = options;
  }

  /**
   * The key as it is stored, if the text is one: revoked and expired ones too. Throws `KEYS_UNREADABLE`, retriable.
   * @param mayWait asked when the key is not known, before anything is read for it; throws to refuse
   */
  async find(text: string, mayWait: () => Promise<void>): Promise<StoredKey | undefined> {
    const id = idOfKey(text);
    if (id === undefined) return undefined;
    const asked = this.#options.clock();
    await this.#refresh();
    if (!this.#keys.has(id) && this.#readAt < asked) {
      await mayWait();
      await this.#readAgain();
    }
    const found = this.#keys.get(id);
    return found && isKeyOf(text, found.hash) ? found : undefined;
  }

  /** By public id, for who has shown the key before. Throws `KEYS_UNREADABLE`, retriable. */
  async byId(id: string): Promise<StoredKey | undefined> {
    const asked = this.#options.clock();
    await this.#refresh();
    if (!this.#keys.has(id) && this.#readAt < asked) await this.#readAgain();
    return this.#keys.get(id);
  }

  /** Notes that a key was used, at most once a minute; does not wait. */
  used(id: string): void {
    const { clickhouse, clock, log } = this.#options;
    const now = clock();
    if (now - (this.#usesWritten.get(id) ?? Number.NEGATIVE_INFINITY) < USE_INTERVAL_MS) return;
    this.#usesWritten.set(id, now);
    const writing = storeUse(clickhouse, id, now)
      .catch((err: unknown) => log.warn({ err, keyId: id }, 'last use of a key not written'))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Lets the next request read again: this process has changed a key. */
  forget(): void {
    this.#generation++;
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#triedAt = Number.NEGATIVE_INFINITY;
    this.#reading = undefined;
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #refresh(): Promise<void> {
    if (this.#options.clock() - this.#readAt < KEPT_MS) return;
    if (this.#options.clock() - this.#triedAt >= MISS_INTERVAL_MS || this.#reading) await this.#read();
    if (this.#options.clock() - this.#readAt < STALE_MS_MAX) return;
    throw new TallyError('the keys cannot be read', { code: 'KEYS_UNREADABLE', retriable: true });
  }

  /** A reading that began after this was called, or as long after the last one as it has to be. */
  async #readAgain(): Promise<void> {
    await this.#reading;
    const early = MISS_INTERVAL_MS - (this.#options.clock() - this.#triedAt);
    if (early <= 0) return this.#read();
    await new Promise((resolve) => setTimeout(resolve, early));
    if (this.#options.clock() - this.#triedAt >= MISS_INTERVAL_MS || this.#reading) await this.#read();
  }

  #read(): Promise<void> {
    if (this.#reading) return this.#reading;
    const { clickhouse, clock, log } = this.#options;
    const began = clock();
    const generation = this.#generation;
    this.#triedAt = began;
    const reading = storedKeys(clickhouse)
      .then((keys) => {
        if (generation !== this.#generation) return;
        this.#keys = new Map(keys.map((key) => [key.id, key]));
        this.#readAt = began;
      })
      .catch((err: unknown) => log.warn({ err }, 'keys not to be had, the last ones hold'))
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    this.#reading = reading;
    return reading;
  }
}
