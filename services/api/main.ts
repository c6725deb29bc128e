/**
 * The api as a process: `node services/api/main.ts`, configured by the environment (see config.ts).
 */
import { ClickHouse } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { messageOf } from '@tally/platform/errors';
import { closeHttpServer, createHttpServer, createRegistry, listen } from '@tally/platform/http';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { onShutdown, runService } from '@tally/platform/shutdown';
import { topicNames } from '@tally/schemas';
import { requireKey } from './access.ts';
import { apiConfig } from './config.ts';
import { Freshness } from './freshness.ts';
import { addRoutes } from './routes.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 15_000;
const HTTP_CLOSE_MS_MAX = 5_000;
/** A query that takes longer is given up, and the caller told so. */
const QUERY_TIMEOUT_MS = 60_000;

const log = createLog('api', process.env['TALLY_LOG_LEVEL'] ?? 'info');

await runService(log, async () => {
  const config = parseConfig(apiConfig, process.env);
  const admin = new KafkaAdmin(createKafka({ brokers: config.TALLY_KAFKA, clientId: 'tally-api', log, retries: 1 }));
  const clickhouse = new ClickHouse({
    url: config.TALLY_CLICKHOUSE_URL,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
    requestTimeoutMs: QUERY_TIMEOUT_MS,
  });
  const app = createHttpServer({
    log,
    registry: createRegistry(),
    ready: () =>
      clickhouse.ping().then(
        () => ({ ok: true, detail: 'ClickHouse answers' }),
        (error: unknown) => ({ ok: false, detail: messageOf(error) }),
      ),
    bodyBytesMax: BODY_BYTES_MAX,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  requireKey(app, config.TALLY_ADMIN_KEY);
  const freshness = new Freshness({
    admin,
    groupId: `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`,
    topics: topicNames(config.TALLY_TOPIC_PREFIX),
    log,
    clock: Date.now,
  });
  addRoutes(app, { clickhouse, freshness, clock: Date.now });
  onShutdown({
    log,
    stop: async () => {
      await closeHttpServer(app, HTTP_CLOSE_MS_MAX);
      await admin.close();
      await clickhouse.close();
    },
  });
  await listen(app, {
    log,
    host: config.TALLY_API_HOST,
    port: config.TALLY_API_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
