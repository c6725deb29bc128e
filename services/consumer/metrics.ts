/**
 * What the consumer counts about itself.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface ConsumerMetrics {
  outcomes: Counter<'topic' | 'outcome'>;
  deadLetters: Counter<'reason'>;
  failures: Counter<'step'>;
  batchSeconds: Histogram<'step'>;
  batchRecords: Histogram;
  lag: Gauge<'topic' | 'partition'>;
  keysAsked: Counter;
  filterKeys: Gauge;
  filterBytes: Gauge;
}

export function createMetrics(registry: Registry): ConsumerMetrics {
  const registers = [registry];
  return {
    outcomes: new Counter({
      name: 'tally_consumer_outcomes_total',
      help: 'Log positions by outcome, as written; a repeated batch counts again here and not in the figures',
      labelNames: ['topic', 'outcome'],
      registers,
    }),
    deadLetters: new Counter({
      name: 'tally_consumer_dead_letters_total',
      help: 'Records sent to the dead letters, by reason',
      labelNames: ['reason'],
      registers,
    }),
    failures: new Counter({
      name: 'tally_consumer_failures_total',
      help: 'Failed attempts, by step; each is tried again',
      labelNames: ['step'],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'tally_consumer_step_seconds',
      help: 'Time of one step for one group of batches; of "decode" for one batch',
      labelNames: ['step'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    batchRecords: new Histogram({
      name: 'tally_consumer_batch_records',
      help: 'Records in one batch',
      buckets: [1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000],
      registers,
    }),
    lag: new Gauge({
      name: 'tally_consumer_lag_records',
      help: 'Records behind the end of the partition, as of its last batch',
      labelNames: ['topic', 'partition'],
      registers,
    }),
    keysAsked: new Counter({
      name: 'tally_consumer_keys_asked_total',
      help: 'Event keys that the index was asked about; all others the filters knew to be new',
      registers,
    }),
    filterKeys: new Gauge({
      name: 'tally_consumer_filter_keys',
      help: 'Keys in the filters in front of the index',
      registers,
    }),
    filterBytes: new Gauge({
      name: 'tally_consumer_filter_bytes',
      help: 'Memory of the filters in front of the index',
      registers,
    }),
  };
}
