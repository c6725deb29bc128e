/**
 * What the notifier tells Prometheus. Ages are worked out when they are asked for, so that they grow while nothing runs.
 */
import { Counter, Gauge, type Registry } from '@tally/platform/http';
import type { Delivery, Waiting } from './deliveries.ts';
import type { AlertTarget, TargetKind } from './target.ts';

export class NotifierMetrics {
  readonly #attempts: Counter;
  readonly #undeliverable: Counter;
  #waiting: readonly Waiting[] = [];
  #kinds = new Map<string, TargetKind>();

  constructor(registry: Registry, clock: () => number) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'tally_notifier_attempts_total',
      help: 'Attempts to tell a target of a change of an alert, by what became of them',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    this.#undeliverable = new Counter({
      name: 'tally_notifier_undeliverable_total',
      help: 'Deliveries given up: after 24 hours, or with their target',
      labelNames: ['kind'],
      registers,
    });
    const waiting = (): readonly Waiting[] => this.#waiting;
    const kindOf = (targetId: string): TargetKind | 'none' => this.#kinds.get(targetId) ?? 'none';
    new Gauge({
      name: 'tally_notifier_waiting',
      help: 'Deliveries that are still to be made',
      labelNames: ['target', 'kind'],
      registers,
      collect() {
        this.reset();
        for (const { targetId, waiting: count } of waiting()) {
          this.set({ target: targetId, kind: kindOf(targetId) }, count);
        }
      },
    });
    new Gauge({
      name: 'tally_notifier_oldest_waiting_age_seconds',
      help: 'Time since it was decided that the target is to be told of the oldest change that still waits for it',
      labelNames: ['target', 'kind'],
      registers,
      collect() {
        this.reset();
        for (const { targetId, oldestPlannedAt } of waiting()) {
          const seconds = Math.max(0, clock() - oldestPlannedAt) / 1000;
          this.set({ target: targetId, kind: kindOf(targetId) }, seconds);
        }
      },
    });
  }

  waiting(waiting: readonly Waiting[], targets: readonly AlertTarget[]): void {
    this.#waiting = waiting;
    this.#kinds = new Map(targets.map(({ id, kind }) => [id, kind]));
  }

  attempted(kind: TargetKind, { outcome }: Delivery): void {
    this.#attempts.inc({ kind, outcome });
    if (outcome === 'undeliverable') this.#undeliverable.inc({ kind });
  }

  gaveUp(count: number, kind: TargetKind | 'none'): void {
    this.#undeliverable.inc({ kind }, count);
  }
}
