/**
 * The look for alerts as a job of the notifier's process, and not of the aggregator's: one that is dead is to be noticed.
 */
import { jobMetrics, startJobs } from '@tally/aggregator';
import type { OperatorObservation } from '@tally/alerts';
import { lastStartOf } from '@tally/figures';
import { ClickHouse, type ClickHouseMetrics, clickhouseOptions } from '@tally/platform/clickhouse';
import type { Registry } from '@tally/platform/http';
import { createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { inSpan, type Tracing } from '@tally/platform/tracing';
import { topicNames } from '@tally/schemas';
import { ALERTS_JOB, lookForAlerts } from '@tally/watch';
import type { NotifierConfig } from './config.ts';
import { LookMetrics } from './look-metrics.ts';

export interface LookParts {
  config: NotifierConfig;
  registry: Registry;
  /** What its client of ClickHouse counts. */
  clickhouse: ClickHouseMetrics;
  tracing?: Tracing | undefined;
  log: Logger;
  clock: () => number;
}

/** A look in hand may end; what it has not stored then, the next one decides again, under the same ids. */
const STOP_MS_MAX = 5_000;

/** Looks at once when a look was missed, and then by its cron. Returns how to end it. */
export async function startLooking({
  config,
  registry,
  clickhouse: metrics,
  tracing,
  log,
  clock,
}: LookParts): Promise<{ stop: () => Promise<void> }> {
  const clickhouse = new ClickHouse({ ...clickhouseOptions(config), metrics });
  const admin = new KafkaAdmin(createKafka({ ...kafkaServers(config), clientId: 'tally-alerts', log }));
  const seen = new LookMetrics(registry, clock);
  const sources = {
    clickhouse,
    admin,
    groupId: `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`,
    topics: topicNames(config.TALLY_TOPIC_PREFIX),
    graceDays: config.TALLY_STATEMENT_GRACE_DAYS,
    log,
  };
  const jobs = await startJobs({
    jobs: [
      {
        name: ALERTS_JOB,
        cron: config.TALLY_ALERTS_CRON,
        run: async (due) => {
          const asked = { ...sources, due, clock, onObserved: (what: OperatorObservation) => seen.observed(what) };
          const span = { root: true, attributes: { 'tally.job': ALERTS_JOB } };
          const { startedAt } = await inSpan(tracing, `job ${ALERTS_JOB}`, span, () => lookForAlerts(asked));
          seen.ended(startedAt);
        },
      },
    ],
    // Without an answer it looks at once, and again when its time comes.
    lastStartOf: (job) =>
      lastStartOf(clickhouse, job).catch((err: unknown) => {
        log.warn({ err }, 'the run log cannot be read');
        return undefined;
      }),
    clock,
    log,
    ...jobMetrics(registry),
  });
  return {
    stop: async () => {
      const giveUp = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS_MAX).unref());
      await Promise.race([jobs.stop(), giveUp]);
      await admin.close();
      await clickhouse.close();
    },
  };
}
