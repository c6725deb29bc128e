/**
 * Commits offsets apart from reading. Three things may come between: the group assigns anew while something is being
 * handled; others get further meanwhile; the broker is away. So a commit is kept until the group has taken it or the
 * partition is somebody else's, and never goes back behind what others have committed.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Everything below `offset` is handled. */
export interface Handled {
  topic: string;
  partition: number;
  offset: number;
}

export interface CommitsOptions {
  log: Logger;
  /** How long to wait before what was not taken is tried again, milliseconds. */
  retryMs: number;
  /** What the group has committed of a topic, by partition. */
  committed: (topic: string) => Promise<ReadonlyMap<number, bigint>>;
  send: (offsets: { topic: string; partition: number; offset: string }[]) => Promise<void>;
  /** Told of what the group has taken. */
  onCommitted?: ((taken: readonly Handled[]) => void) | undefined;
}

export class Commits {
  readonly #options: CommitsOptions;
  #assignment: Readonly<Record<string, readonly number[]>> = {};
  /** By `topic/partition`. What is not assigned here waits for the next assignment to tell whether it will be. */
  #waiting = new Map<string, Handled>();
  /** What is committed at least, of partitions that were asked for since they were assigned. */
  #floors = new Map<string, number>();
  #sending: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** To be told when the group has assigned partitions. */
  assigned(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.#assignment = assignment;
    this.#floors = new Map();
    // Whoever has it now reads on from what is committed.
    for (const [name, one] of this.#waiting) if (!this.#isMine(one)) this.#waiting.delete(name);
    this.#tryAgain();
  }

  /** Commits what is handled, or tries again later. Never throws. */
  async commit(handled: readonly Handled[]): Promise<void> {
    for (const one of handled) {
      const name = nameOf(one);
      if ((this.#waiting.get(name)?.offset ?? 0) < one.offset) this.#waiting.set(name, one);
    }
    await this.#sending;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  async #sendAll(): Promise<void> {
    const mine = [...this.#waiting.values()].filter((one) => this.#isMine(one));
    const floors = this.#floors;
    try {
      const asked = new Set(mine.filter((one) => !floors.has(nameOf(one))).map(({ topic }) => topic));
      for (const topic of asked) {
        for (const [partition, offset] of await this.#options.committed(topic)) {
          const name = nameOf({ topic, partition });
          floors.set(name, Math.max(floors.get(name) ?? 0, Number(offset)));
        }
      }
      const ahead = mine.filter((one) => one.offset > (floors.get(nameOf(one)) ?? 0));
      if (ahead.length > 0) await this.#options.send(ahead.map((one) => ({ ...one, offset: String(one.offset) })));
      for (const one of mine) {
        const name = nameOf(one);
        floors.set(name, Math.max(floors.get(name) ?? 0, one.offset));
        if (this.#waiting.get(name) === one) this.#waiting.delete(name);
      }
      this.#options.onCommitted?.(ahead);
    } catch (err) {
      this.#options.log.warn({ err: messageOf(err) }, 'could not commit, trying again');
      this.#tryAgain();
    }
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    if (this.#closed || this.#waiting.size === 0) return;
    this.#retry = setTimeout(() => void this.commit([]), this.#options.retryMs);
  }

  #isMine({ topic, partition }: Handled): boolean {
    return this.#assignment[topic]?.includes(partition) ?? false;
  }
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
