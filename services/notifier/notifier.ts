/**
 * Tells every target of the changes it wants: at least once, with the same id at every attempt. All it knows is in
 * ClickHouse; whatever it is killed at, the next one goes on. One notifier at a time: two would tell everything twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Logger } from '@tally/platform/log';
import { dueDeliveries, recordDeliveries, type Waiting, waitingDeliveries } from './deliveries.ts';
import { type Checkpoint, Lane } from './lane.ts';
import type { NotifierMetrics } from './metrics.ts';
import { serverNow } from './outbox.ts';
import { plan } from './plan.ts';
import { Recorder } from './recorder.ts';
import type { AlertTarget } from './target.ts';
import { currentTargets, switchOffTarget } from './target-store.ts';
import type { Send } from './told.ts';

export interface NotifierOptions {
  clickhouse: ClickHouse;
  send: Send;
  metrics: NotifierMetrics;
  log: Logger;
  /** Milliseconds since 1970-01-01 UTC. */
  clock: () => number;
  /** Between two looks at the outbox, milliseconds. */
  pollMs: number;
  /** 0 to 1; spreads retries. */
  random?: () => number;
  /** For tests: awaited between two steps. */
  checkpoint?: (place: Checkpoint) => Promise<void>;
}

/** An insert may show so long after its `written_at` or `planned_at`, milliseconds: longer than any request may take. */
const LATE_MS_MAX = 10 * 60_000;
/** Deliveries given up with one insert. */
const GIVE_UP_PAGE = 1_000;

export class Notifier {
  readonly #options: Required<NotifierOptions>;
  readonly #recorder: Recorder;
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  #targets: readonly AlertTarget[] = [];
  /** Nothing that was decided earlier waits; this process's clock. */
  #openSince = 0;
  /** All that was written earlier is decided; ClickHouse's clock. */
  #decidedSince = 0;
  #lastTickAt = 0;
  #running: Promise<void> | undefined;

  constructor(options: NotifierOptions) {
    this.#options = {
      random: Math.random,
      checkpoint: async () => undefined,
      ...options,
    };
    const { clickhouse, log } = options;
    this.#recorder = new Recorder({ clickhouse, log, signal: this.#abandon.signal });
  }

  /** When the outbox was last looked at with success, milliseconds since 1970-01-01 UTC; 0: never. */
  get lastTickAt(): number {
    return this.#lastTickAt;
  }

  /** Looks at the outbox from now on, again and again. */
  start(): void {
    this.#running ??= this.#loop();
  }

  /**
   * Begins nothing more and waits for what is under way, for `graceMs` at most; what is not on record then is told again
   * by the next notifier.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    const lanes = [...this.#lanes.values()].map((lane) => lane.stop());
    let late: NodeJS.Timeout | undefined;
    const graceOver = new Promise<void>((resolve) => {
      late = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.all([this.#running, ...lanes]), graceOver]);
    clearTimeout(late);
    this.#abandon.abort();
  }

  /** Decides who is to be told of what is new, and sets every target to what is due. Does not wait for deliveries. */
  async tick(): Promise<void> {
    const { clickhouse, clock, log, checkpoint } = this.#options;
    const { signal } = this.#stop;
    this.#targets = await currentTargets(clickhouse);
    this.#closeLanes();
    const serverTime = await serverNow(clickhouse);
    await plan({
      clickhouse,
      targets: this.#targets,
      writtenSince: this.#decidedSince,
      clock,
      log,
      signal,
      // Who is decided on first does not wait for thousands behind.
      onDecided: async () => this.#kick(await this.#waiting()),
      checkpoint,
    });
    if (signal.aborted) return;
    this.#decidedSince = Math.max(0, serverTime - LATE_MS_MAX);
    const waiting = await this.#waiting();
    await this.#giveUp(waiting);
    this.#kick(waiting);
    this.#lastTickAt = clock();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()));
  }

  async #loop(): Promise<void> {
    const { pollMs, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.tick().catch((err: unknown) => log.error({ err }, 'the outbox cannot be looked at'));
      await sleep(pollMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #waiting(): Promise<Waiting[]> {
    const { clickhouse, clock, metrics } = this.#options;
    const now = clock();
    const waiting = await waitingDeliveries(clickhouse, { since: this.#openSince, now });
    this.#openSince = Math.max(
      0,
      Math.min(now - LATE_MS_MAX, ...waiting.map(({ oldestPlannedAt }) => oldestPlannedAt)),
    );
    metrics.waiting(waiting, this.#targets);
    return waiting;
  }

  #enabled(targetId: string): AlertTarget | undefined {
    return this.#targets.find(({ id, enabled }) => enabled && id === targetId);
  }

  /** Lanes of targets that are there no more, or switched off: stopped without waiting, since one may hang. */
  #closeLanes(): void {
    for (const [id, lane] of this.#lanes) {
      const target = this.#enabled(id);
      if (target) lane.target = target;
      else {
        this.#lanes.delete(id);
        void lane.stop();
      }
    }
  }

  #kick(waiting: readonly Waiting[]): void {
    for (const { targetId, due } of waiting) {
      const target = this.#enabled(targetId);
      if (due === 0 || !target || this.#stop.signal.aborted) continue;
      const lane = this.#lanes.get(targetId) ?? this.#open(target);
      lane.kick();
    }
  }

  #open(target: AlertTarget): Lane {
    const { clickhouse, send, metrics, log, clock, random, checkpoint } = this.#options;
    const lane = new Lane(target, {
      clickhouse,
      recorder: this.#recorder,
      send,
      metrics,
      log,
      clock,
      random,
      checkpoint,
      since: () => this.#openSince,
      onGone: async (gone, why) => {
        log.warn({ target: gone.id }, 'the receiver wants nothing more: the target is switched off');
        await switchOffTarget(clickhouse, { target: gone, now: clock(), because: why });
      },
    });
    this.#lanes.set(target.id, lane);
    return lane;
  }

  /** What waits for targets that are there no more, or switched off, is undeliverable. */
  async #giveUp(waiting: readonly Waiting[]): Promise<void> {
    const { clickhouse, clock, metrics, log } = this.#options;
    for (const { targetId } of waiting) {
      if (this.#enabled(targetId)) continue;
      const target = this.#targets.find(({ id }) => id === targetId);
      const detail = target ? 'the target is switched off' : 'the target is there no more';
      for (;;) {
        const all = Number.POSITIVE_INFINITY;
        const query = { targetId, since: this.#openSince, now: all, limit: GIVE_UP_PAGE };
        const page = await dueDeliveries(clickhouse, query);
        if (page.length === 0) break;
        const now = clock();
        const row = {
          targetId,
          at: now,
          outcome: 'undeliverable',
          status: 0,
          nextAttemptAt: null,
          durationMs: 0,
        } as const;
        await recordDeliveries(
          clickhouse,
          page.map(({ attempts, ...delivery }) => ({ ...row, ...delivery, attempt: attempts + 1, detail })),
        );
        metrics.gaveUp(page.length, target?.kind ?? 'none');
        log.warn({ target: targetId, deliveries: page.length }, 'given up with their target');
      }
    }
  }
}
