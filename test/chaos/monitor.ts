/**
 * How far the consumers are, looked at all the time. While Kafka is away the last look stands.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosSystem } from './system.ts';

const LOOK_EVERY_MS = 400;

export class Monitor {
  readonly #system: ChaosSystem;
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;
  /** Records of both metered topics that the group has committed. */
  committed = 0;
  /** Records that are in both metered topics. */
  inLog = 0;
  /** When `committed` last grew, milliseconds UTC. */
  movedAt = Date.now();

  constructor(system: ChaosSystem) {
    this.#system = system;
    this.#looking = this.#look();
  }

  get lag(): number {
    return this.inLog - this.committed;
  }

  /** Looks now; throws when Kafka does not answer. */
  async refresh(): Promise<void> {
    const { admin, topics, groupId } = this.#system;
    let [committed, inLog] = [0, 0];
    for (const topic of [topics.interactions, topics.profiles]) {
      for (const offset of (await admin.committed(groupId, topic)).values()) committed += Number(offset);
      for (const { end } of await admin.extents(topic)) inLog += Number(end);
    }
    if (committed > this.committed) this.movedAt = Date.now();
    this.committed = committed;
    this.inLog = inLog;
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      if (this.#system.isUp('kafka')) await this.refresh().catch(() => undefined);
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
