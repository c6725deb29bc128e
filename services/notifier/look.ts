/**
 * The look for alerts as a job of the notifier's process, and not of the aggregator's: one that is dead is to be noticed.
 */
import { startJobs } from '@tally/aggregator';
import { lastStartOf } from '@tally/figures';
import { ClickHouse, clickhouseOptions } from '@tally/platform/clickhouse';
import { Gauge, type Registry } from '@tally/platform/http';
import { createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { ALERTS_JOB, lookForAlerts } from '@tally/watch';
import type { NotifierConfig } from './config.ts';

export interface LookParts {
  config: NotifierConfig;
  registry: Registry;
  log: Logger;
  clock: () => number;
}

/** A look in hand may end; what it has not stored then, the next one decides again, under the same ids. */
const STOP_MS_MAX = 5_000;

/** Looks at once when a look was missed, and then by its cron. Returns how to end it. */
export async function startLooking({
  config,
  registry,
  log,
  clock,
}: LookParts): Promise<{ stop: () => Promise<void> }> {
  const clickhouse = new ClickHouse(clickhouseOptions(config));
  const admin = new KafkaAdmin(createKafka({ ...kafkaServers(config), clientId: 'tally-alerts', log }));
  const lastLook = new Gauge({
    name: 'tally_alerts_last_look_timestamp_seconds',
    help: 'When the last look for alerts that succeeded began',
    registers: [registry],
  });
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
          const { startedAt } = await lookForAlerts({ ...sources, due, clock });
          lastLook.set(startedAt / 1000);
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
