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
  lastCommit: Gauge<'topic' | 'partition'>;
  assigned: Gauge<'topic'>;
  assignments: Counter;
  keysAsked: Counter;
  filterKeys: Gauge;
  filterBytes: Gauge;
  filterPartitions: Gauge<'state'>;
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
      help: 'Records of a partition that is assigned here which are not committed, as of the last look or the last batch',
      labelNames: ['topic', 'partition'],
      registers,
    }),
    lastCommit: new Gauge({
      name: 'tally_consumer_last_commit_timestamp_seconds',
      help: 'When the group last took an offset of a partition that is assigned here; no sample before the first',
      labelNames: ['topic', 'partition'],
      registers,
    }),
    assigned: new Gauge({
      name: 'tally_consumer_assigned_partitions',
      help: 'Partitions that the group has assigned to this process',
      labelNames: ['topic'],
      registers,
    }),
    assignments: new Counter({
      name: 'tally_consumer_assignments_total',
      help: 'Times the group has assigned partitions to this process: its join, and every rebalance after it',
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
    filterPartitions: new Gauge({
      name: 'tally_consumer_filter_partitions',
      help: 'Assigned partitions by the state of their filter: `whole` ones speak; `building` ones are being read from the index; `none` begin with their next batch, or have no room',
      labelNames: ['state'],
      registers,
    }),
  };
}
