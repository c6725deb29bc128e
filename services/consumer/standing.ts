/**
 * Where this process stands in its partitions, as its metrics tell it: which it has, how far behind each is, and when the
 * group last took an offset. Partitions that have gone to others leave no samples: two processes would tell of one.
 *
 * Lag is asked of Kafka alone, again and again: it has to show when ClickHouse is away and no batch comes through.
 */
import type { Handled, KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { ConsumerMetrics } from './metrics.ts';

const MS_PER_SECOND = 1_000;

export interface StandingOptions {
  metrics: Pick<ConsumerMetrics, 'lag' | 'lastCommit' | 'assigned' | 'assignments'>;
  admin: Pick<KafkaAdmin, 'committed' | 'extents'>;
  groupId: string;
  log: Logger;
  /** Milliseconds since 1970-01-01 UTC. */
  clock: () => number;
}

export class Standing {
  readonly #options: StandingOptions;
  #mine: Readonly<Record<string, readonly number[]>> = {};
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** Looks for lag every `intervalMs`, one look at a time, until `close`. */
  watch(intervalMs: number): void {
    this.#timer ??= setInterval(() => void this.look(), intervalMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** To be told when the group has assigned partitions. */
  assigned(assignment: Readonly<Record<string, readonly number[]>>): void {
    const { lag, lastCommit, assigned, assignments } = this.#options.metrics;
    this.#mine = assignment;
    lag.reset();
    lastCommit.reset();
    assigned.reset();
    for (const [topic, partitions] of Object.entries(assignment)) assigned.set({ topic }, partitions.length);
    assignments.inc();
  }

  /** To be told of the offsets that the group has taken. */
  committed(taken: readonly Handled[]): void {
    const now = this.#options.clock() / MS_PER_SECOND;
    for (const { topic, partition } of taken) this.#options.metrics.lastCommit.set({ topic, partition }, now);
  }

  /** Asks how far behind each partition is. Without an answer the last one stays. Never throws. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const topic of Object.keys(this.#mine)) await this.#lookAt(topic);
    } catch (err) {
      this.#options.log.warn({ err }, 'the lag cannot be read');
    } finally {
      this.#looking = false;
    }
  }

  async #lookAt(topic: string): Promise<void> {
    const { admin, groupId, metrics } = this.#options;
    const committed = await admin.committed(groupId, topic);
    const extents = await admin.extents(topic);
    const mine = new Set(this.#mine[topic]);
    for (const { partition, start, end } of extents) {
      const next = committed.get(partition) ?? start;
      if (mine.has(partition)) metrics.lag.set({ topic, partition }, Number(end > next ? end - next : 0n));
      // A group of batches that was written late may have told of one that is somebody else's by now.
      else metrics.lag.remove({ topic, partition });
    }
  }
}
