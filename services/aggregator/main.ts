/**
 * The aggregator as a process: `node services/aggregator/main.ts`, configured by the environment (see config.ts).
 */
import { committedPositions, lastRun, lastStartOf } from '@tally/figures';
import { ClickHouse, clickhouseOptions } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { closeHttpServer, createHttpServer, createRegistry, Gauge, listen } from '@tally/platform/http';
import { askToBeLetIn, createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';
import { topicNames } from '@tally/schemas';
import { statementSources } from '@tally/statements';
import { AGGREGATE_JOB, aggregate } from './aggregate.ts';
import { aggregatorConfig } from './config.ts';
import { type Job, startJobs } from './jobs.ts';
import type { Due } from './logged-run.ts';
import { AggregatorMetrics } from './metrics.ts';
import { issueDueStatements, STATEMENTS_JOB } from './statements.ts';

const HTTP_CLOSE_MS_MAX = 1_000;
/** Ready as long as the last run is at most this old. */
const FRESH_MS_MAX = 10 * 60_000;
/** A run in hand may end; what it has not published then, the next one does. */
const STOP_MS_MAX = 5_000;

const log = createLog('aggregator', 'info');

await runService(log, async () => {
  const config = parseConfig(aggregatorConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const kafka = createKafka({ ...kafkaServers(config), clientId: 'tally-aggregator', log });
  const admin = new KafkaAdmin(kafka);
  const clickhouse = new ClickHouse(clickhouseOptions(config));
  void askToBeLetIn(config, { clientId: 'tally-aggregator', log, onRefused: (error) => fail(log, error) });
  const groupId = `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`;
  const topics = topicNames(config.TALLY_TOPIC_PREFIX);

  const registry = createRegistry();
  const metrics = new AggregatorMetrics(registry, Date.now);
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
  // Without an answer it goes on all the same: it runs at once, and again when its time comes.
  const unread = (err: unknown): undefined => {
    log.warn({ err }, 'the run log cannot be read');
  };
  const before = await lastRun(clickhouse).catch(unread);
  let lastRunAt = before?.startedAt ?? 0;
  if (before) metrics.ran({ ...before, published: 0 });

  const runAggregate = async (due: Due): Promise<void> => {
    try {
      const run = await aggregate({
        clickhouse,
        positions: () => committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] }),
        topics,
        daySpreadMs: config.TALLY_DAY_SPREAD_MINUTES * 60_000,
        due,
        clock: Date.now,
        log,
      });
      lastRunAt = run.startedAt;
      freshness.set(run.startedAt / 1000);
      failures.set(0);
      metrics.ran(run);
      const { scope, outcome, tenants, failed, published, waiting, startedAt, finishedAt } = run;
      const durationMs = finishedAt - startedAt;
      if (tenants > 0) log.info({ scope, outcome, tenants, failed, published, waiting, durationMs }, 'run finished');
    } catch (err) {
      failures.inc();
      throw err;
    }
  };
  const statements = statementSources({
    kafka,
    admin,
    clickhouse,
    topics,
    groupId,
    graceDays: config.TALLY_STATEMENT_GRACE_DAYS,
    clock: Date.now,
    log,
  });
  const since = config.TALLY_STATEMENTS_SINCE || undefined;
  const jobs: Job[] = [
    { name: AGGREGATE_JOB, cron: config.TALLY_AGGREGATE_CRON, run: runAggregate },
    {
      name: STATEMENTS_JOB,
      cron: config.TALLY_STATEMENTS_CRON,
      run: (due) => issueDueStatements({ statements, since, due, log }),
    },
  ];

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
  const running = await startJobs({
    jobs,
    lastStartOf: (job) => lastStartOf(clickhouse, job).catch(unread),
    clock: Date.now,
    log,
    onOverlap: (job) => metrics.overlapped(job),
  });
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      const giveUp = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS_MAX).unref());
      await Promise.race([running.stop(), giveUp]);
      await closeHttpServer(app, HTTP_CLOSE_MS_MAX);
      await statements.close();
      await admin.close();
      await clickhouse.close();
    },
  });
  await listen(app, {
    log,
    host: config.TALLY_AGGREGATOR_HOST,
    port: config.TALLY_AGGREGATOR_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
