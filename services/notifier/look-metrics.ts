/**
 * What the look for alerts has seen of the pipeline, for Prometheus: it is seen from outside the consumers, so it also
 * shows when none is there. A part that could not be seen leaves no sample, rather than an old one.
 */
import type { OperatorObservation } from '@tally/alerts';
import { Gauge, type Registry } from '@tally/platform/http';

const MS_PER_SECOND = 1_000;

type Samples = readonly (readonly [labels: Record<string, string>, value: number])[];

interface Part {
  name: string;
  help: string;
  labelNames: readonly string[];
  /** Nothing where the part could not be seen. */
  samples: (seen: OperatorObservation, now: number) => Samples | null | undefined;
}

const PARTS: readonly Part[] = [
  {
    name: 'tally_pipeline_lag_records',
    help: 'Records of a metered topic that the group has not committed, seen once a minute from outside the consumers',
    labelNames: ['topic'],
    samples: ({ lag }) => lag?.map(({ topic, records }) => [{ topic }, records]),
  },
  {
    name: 'tally_pipeline_lag_age_seconds',
    help: 'The least age of the oldest record of a metered topic that is not committed, in steps; 0: none waits',
    labelNames: ['topic'],
    samples: ({ lag }) => lag?.map(({ topic, oldestAgeSeconds }) => [{ topic }, oldestAgeSeconds ?? 0]),
  },
  {
    name: 'tally_pipeline_expires_in_seconds',
    help: 'Time until the first record that is not committed expires from its topic; no sample while none waits',
    labelNames: ['topic'],
    samples: ({ expiry }, now) =>
      expiry?.flatMap(
        ({ topic, firstExpiresAt }): Samples =>
          firstExpiresAt === null ? [] : [[{ topic }, (firstExpiresAt - now) / MS_PER_SECOND]],
      ),
  },
  {
    name: 'tally_pipeline_dead_letters_recent',
    help: 'Dead letters that arrived within the hours that the alert on them looks back',
    labelNames: [],
    samples: ({ deadLetters }) => deadLetters && [[{}, deadLetters.number]],
  },
  {
    name: 'tally_pipeline_unbalanced_partitions',
    help: 'Partitions some of whose positions have no outcome, or more than one; looked at once an hour',
    labelNames: [],
    samples: ({ ledger }) => ledger && [[{}, ledger.unbalanced.length]],
  },
  {
    name: 'tally_pipeline_statements_missing',
    help: 'Months that could be stated and are not, of tenants that have a statement',
    labelNames: [],
    samples: ({ statements }) => statements && [[{}, statements.missing]],
  },
];

export class LookMetrics {
  readonly #lastLook: Gauge;
  #seen: OperatorObservation | undefined;

  constructor(registry: Registry, clock: () => number) {
    this.#lastLook = new Gauge({
      name: 'tally_alerts_last_look_timestamp_seconds',
      help: 'When the last look for alerts that succeeded began; 0 before the first',
      registers: [registry],
    });
    const seen = (): OperatorObservation | undefined => this.#seen;
    for (const { name, help, labelNames, samples } of PARTS) {
      new Gauge({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          // One without labels is 0 after that, which would pass for something that was seen.
          if (labelNames.length === 0) this.remove();
          const what = seen();
          for (const [labels, value] of (what && samples(what, clock())) ?? []) this.set(labels, value);
        },
      });
    }
  }

  /** To be told of every observation. The ledger is not looked at each time: what was last seen of it stays. */
  observed(seen: OperatorObservation): void {
    this.#seen = { ...seen, ledger: seen.ledger ?? this.#seen?.ledger ?? null };
  }

  /** @param startedAt of a look that succeeded, milliseconds since 1970-01-01 UTC */
  ended(startedAt: number): void {
    this.#lastLook.set(startedAt / MS_PER_SECOND);
  }
}
