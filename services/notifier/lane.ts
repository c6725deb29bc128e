/**
 * A target's deliveries, independent of every other target's: page after page of what is due, oldest first, a few at a time.
 *
 * Each delivery, and what a crash after the step costs:
 * 1. sent: it is not on record, and is sent again with the same id.
 * 2. recorded: nothing.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Logger } from '@tally/platform/log';
import { type Delivery, type DueDelivery, dueDeliveries } from './deliveries.ts';
import type { NotifierMetrics } from './metrics.ts';
import { changesOf } from './outbox.ts';
import { RateLimit } from './rate-limit.ts';
import type { Recorder } from './recorder.ts';
import { nextAttemptAt } from './retry-schedule.ts';
import type { AlertTarget } from './target.ts';
import type { Message, Send, Told } from './told.ts';

/** Places between two steps, where a test may end the process. */
export const CHECKPOINTS = ['before-plan', 'planned', 'before-send', 'sent', 'recorded'] as const;
export type Checkpoint = (typeof CHECKPOINTS)[number];

/** Deliveries of a target held in memory. */
const PAGE = 500;
/** Attempts under way at one target. */
const CONCURRENT_MAX = 8;
/** Attempts made and not yet on record, of one target: what a crash repeats at most. */
const UNRECORDED_MAX = 64;
const ATTEMPT_MAX = 65_535;

const MISSING: Told = { outcome: 'failed', status: 0, detail: 'the change is not in the outbox', retryAfterMs: 0 };

export interface LaneOptions {
  clickhouse: ClickHouse;
  recorder: Recorder;
  send: Send;
  metrics: NotifierMetrics;
  log: Logger;
  clock: () => number;
  random: () => number;
  checkpoint: (place: Checkpoint) => Promise<void>;
  /** No delivery that waits was decided earlier, milliseconds. */
  since: () => number;
  /** The receiver wants nothing more: switches it off, on record. */
  onGone: (target: AlertTarget, why: string) => Promise<void>;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #stop = new AbortController();
  readonly #rate = new RateLimit();
  #target: AlertTarget;
  #running: Promise<void> | undefined;
  /** The receiver asked to be left alone until then. */
  #pausedUntil = 0;

  constructor(target: AlertTarget, options: LaneOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** The target as it is from now on. */
  set target(target: AlertTarget) {
    this.#target = target;
  }

  /** Goes through what is due, unless it is at it already. */
  kick(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run()
      .catch((err: unknown) => {
        if (!this.#stop.signal.aborted) this.#options.log.warn({ err, target: this.#target.id }, 'deliveries stopped');
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Begins nothing more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clickhouse, clock, since } = this.#options;
    while (this.#holdMs() === 0) {
      const page = await dueDeliveries(clickhouse, {
        targetId: this.#target.id,
        since: since(),
        now: clock(),
        limit: PAGE,
      });
      if (page.length === 0) return;
      await this.#deliver(page);
      // All of the page is on record before the next one is read: nothing is sent twice.
    }
  }

  async #deliver(page: readonly DueDelivery[]): Promise<void> {
    const changes = await changesOf(
      this.#options.clickhouse,
      page.map(({ changeId }) => changeId),
    );
    const unrecorded = new Set<Promise<void>>();
    const left = page.values();
    const work = async (): Promise<void> => {
      for (const due of left) {
        // What is left of the page is due still, and found again when the target may be asked.
        if (this.#holdMs() > 0) return;
        this.#rate.take(this.#options.clock());
        const row = await this.#attempt(due, changes.get(due.changeId)?.message ?? null);
        const recorded = this.#options.recorder.add(row).then(async () => {
          unrecorded.delete(recorded);
          await this.#options.checkpoint('recorded');
        });
        unrecorded.add(recorded);
        // Looked at below, when the attempts under way have ended.
        recorded.catch(() => undefined);
        while (unrecorded.size >= UNRECORDED_MAX) await Promise.race(unrecorded);
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: CONCURRENT_MAX }, work));
    await Promise.all(unrecorded);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  /** For how long the target is not to be asked anything, milliseconds; Infinity once the lane is stopped. */
  #holdMs(): number {
    if (this.#stop.signal.aborted) return Number.POSITIVE_INFINITY;
    const now = this.#options.clock();
    return Math.max(this.#pausedUntil - now, this.#rate.waitMs(now, this.#target.perMinute), 0);
  }

  async #attempt(due: DueDelivery, message: Message | null): Promise<Delivery> {
    const { send, clock, checkpoint, metrics, log, onGone } = this.#options;
    const target = this.#target;
    await checkpoint('before-send');
    const began = performance.now();
    const told = message ? await send(target, message).catch((err) => this.#fault(err)) : MISSING;
    const durationMs = Math.round(performance.now() - began);
    await checkpoint('sent');
    const now = clock();
    if (told.retryAfterMs > 0) this.#pausedUntil = Math.max(this.#pausedUntil, now + told.retryAfterMs);
    // Before it is on record: a crash in between leaves a target that is switched off, whose deliveries are given up.
    if (told.outcome === 'gone') await onGone(target, told.detail);
    const row = this.#rowOf(due, told, now, durationMs);
    metrics.attempted(target.kind, row);
    const fields = {
      target: target.id,
      kind: target.kind,
      change: due.changeId,
      attempt: row.attempt,
      status: row.status,
    };
    if (row.outcome === 'delivered') log.info({ ...fields, durationMs }, 'delivered');
    else log.warn({ ...fields, outcome: row.outcome, detail: row.detail, next: row.nextAttemptAt }, 'not delivered');
    return row;
  }

  /** A bug of a sender costs this attempt, not the lane. */
  #fault(err: unknown): Told {
    this.#options.log.error({ err, target: this.#target.id }, 'a sender failed');
    return { outcome: 'failed', status: 0, detail: 'a fault of the notifier; its log has it', retryAfterMs: 0 };
  }

  #rowOf(
    { changeId, changedAt, plannedAt, attempts }: DueDelivery,
    told: Told,
    now: number,
    durationMs: number,
  ): Delivery {
    const { status, detail, retryAfterMs } = told;
    const attempt = Math.min(attempts + 1, ATTEMPT_MAX);
    const row = { changeId, targetId: this.#target.id, changedAt, plannedAt, attempt, at: now, status, durationMs };
    if (told.outcome === 'delivered') return { ...row, outcome: 'delivered', detail, nextAttemptAt: null };
    if (told.outcome === 'gone') return { ...row, outcome: 'refused', detail, nextAttemptAt: null };
    const next = nextAttemptAt({ attempt, plannedAt, now, retryAfterMs, random: this.#options.random });
    if (next !== undefined) return { ...row, outcome: told.outcome, detail, nextAttemptAt: next };
    return {
      ...row,
      outcome: 'undeliverable',
      detail: `given up after 24 hours; last: ${detail}`,
      nextAttemptAt: null,
    };
  }
}
