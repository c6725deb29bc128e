/**
 * The aggregator as a process: `node services/aggregator/main.ts`, configured by the environment (see config.ts).
 */
import { DEFAULT_POLICY, policyNamed } from '@tally/metering';
import { ClickHouse } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { closeHttpServer, createHttpServer, Gauge, listen, Registry } from '@tally/platform/http';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { onShutdown, runService } from '@tally/platform/shutdown';
import { topicNames } from '@tally/schemas';
import { Cron } from 'croner';
import { aggregate } from './aggregate.ts';
import { aggregatorConfig } from './config.ts';

const HTTP_CLOSE_MS_MAX = 1_000;
/** Ready as long as the last run is at most this old. */
const FRESH_MS_MAX = 10 * 60_000;

const log = createLog('aggregator', 'info');

await runService(log, async () => {
  const config = parseConfig(aggregatorConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const admin = new KafkaAdmin(createKafka({ brokers: config.TALLY_KAFKA, clientId: 'tally-aggregator', log }));
  const clickhouse = new ClickHouse({
    url: config.TALLY_CLICKHOUSE_URL,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
  });
  const policy = policyNamed(DEFAULT_POLICY);
  if (!policy) throw new TallyError('no default policy', { code: 'BUG', retriable: false });

  const registry = new Registry();
  const freshness = new Gauge({
    name: 'tally_aggregator_last_run_timestamp_seconds',
    help: 'When the last run that published figures began',
    registers: [registry],
  });
  const failures = new Gauge({
    name: 'tally_aggregator_failed_runs',
    help: 'Runs that failed since the last that did not',
    registers: [registry],
  });
  let lastRunAt = 0;

  const run = async (): Promise<void> => {
    try {
      const done = await aggregate({
        clickhouse,
        admin,
        groupId: `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`,
        topics: topicNames(config.TALLY_TOPIC_PREFIX),
        policy,
        clock: Date.now,
        log,
      });
      lastRunAt = done.startedAt;
      freshness.set(done.startedAt / 1000);
      failures.set(0);
      const { scope, outcome, tenants, failed, startedAt, finishedAt } = done;
      if (tenants > 0)
        log.info({ scope, outcome, tenants, failed, durationMs: finishedAt - startedAt }, 'run finished');
    } catch (err) {
      failures.inc();
      log.error({ err }, 'run failed, the next one takes over');
    }
  };

  // `protect`: a run that takes longer than the interval is not joined by another.
  const schedule = new Cron(config.TALLY_AGGREGATE_CRON, { timezone: 'UTC', protect: true, paused: true }, run);
  const app = createHttpServer({
    log,
    registry,
    ready: async () => ({
      ok: Date.now() - lastRunAt < FRESH_MS_MAX,
      detail: lastRunAt === 0 ? 'no run yet' : `last run ${new Date(lastRunAt).toISOString()}`,
    }),
    bodyBytesMax: 1_024,
    requestTimeoutMs: 5_000,
  });
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      schedule.stop();
      await closeHttpServer(app, HTTP_CLOSE_MS_MAX);
      await admin.close();
      await clickhouse.close();
    },
  });
  await schedule.trigger();
  schedule.resume();
  await listen(app, {
    log,
    host: config.TALLY_AGGREGATOR_HOST,
    port: config.TALLY_AGGREGATOR_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
