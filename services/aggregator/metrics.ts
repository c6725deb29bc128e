/**
 * What the aggregator tells Prometheus. Ages are worked out when they are asked for, so that they grow while nothing runs.
 */
import type { Meter, Run } from '@tally/figures';
import { Counter, Gauge, type Registry } from '@tally/platform/http';

const METERS: readonly Meter[] = ['interactions', 'engaged', 'unified'];

export class AggregatorMetrics {
  readonly #waiting: Gauge;
  readonly #published: Counter;
  readonly #failed: Gauge;
  /** When the last run began whose figures of a meter are complete, milliseconds since 1970-01-01 UTC. */
  readonly #freshAt = new Map<Meter, number>();
  #lastSuccessAt: number | undefined;

  constructor(registry: Registry, clock: () => number) {
    const registers = [registry];
    const secondsSince = (at: number): number => Math.max(0, clock() - at) / 1000;
    const freshAt = this.#freshAt;
    const lastSuccessAt = (): number | undefined => this.#lastSuccessAt;
    new Gauge({
      name: 'tally_meter_age_seconds',
      help: 'Time since the start of the last run after which no tenant’s figure of the meter was left out: engaged people also want today’s of every tenant',
      labelNames: ['meter'],
      registers,
      collect() {
        for (const [meter, at] of freshAt) this.set({ meter }, secondsSince(at));
      },
    });
    new Gauge({
      name: 'tally_aggregator_last_success_age_seconds',
      help: 'Time since the start of the last run in which every tenant succeeded; no sample before the first',
      registers,
      labelNames: ['job'],
      collect() {
        const at = lastSuccessAt();
        if (at !== undefined) this.set({ job: 'aggregate' }, secondsSince(at));
      },
    });
    this.#waiting = new Gauge({
      name: 'tally_aggregator_tenants_waiting',
      help: 'Tenants without a figure for today after the last run, and those that failed in it',
      registers,
    });
    this.#failed = new Gauge({
      name: 'tally_aggregator_tenants_failed',
      help: 'Tenants that failed in the last run',
      registers,
    });
    this.#published = new Counter({ name: 'tally_aggregator_snapshots_total', help: 'Snapshots published', registers });
  }

  ran({ startedAt, outcome, waiting, failed, published }: Run): void {
    this.#waiting.set(waiting);
    this.#failed.set(failed.length);
    this.#published.inc(published);
    if (outcome !== 'succeeded') return;
    this.#lastSuccessAt = startedAt;
    for (const meter of METERS) if (meter !== 'engaged' || waiting === 0) this.#freshAt.set(meter, startedAt);
  }
}
