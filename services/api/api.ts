/**
 * Puts the api together: an HTTP server that does not listen yet, and what it holds open.
 */
import {
  AuditTrail,
  Authenticator,
  guard,
  hidePositions,
  KeyBook,
  KeyRegister,
  Sessions,
  tokenVerifier,
} from '@tally/access';
import { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';
import { createHttpServer, createRegistry, type FastifyInstance } from '@tally/platform/http';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { statementSources } from '@tally/statements';
import { ACCESS_RULES } from './access-rules.ts';
import { addAuditRoute } from './audit.ts';
import type { ApiConfig } from './config.ts';
import { addDashboard } from './dashboard.ts';
import { addDeadLetterRoute } from './dead-letters.ts';
import { Freshness } from './freshness.ts';
import { addKeyRoutes } from './keys.ts';
import { addLedgerRoute } from './ledger.ts';
import { addDocumentRoutes } from './openapi/page.ts';
import { addRoutes } from './routes.ts';
import { addSessionRoutes } from './session.ts';
import { addStatementRoutes } from './statements.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 15_000;
/** A query that takes longer is given up, and the caller told so. */
const QUERY_TIMEOUT_MS = 60_000;

export interface Api {
  app: FastifyInstance;
  /** Disconnects, after the server is closed. */
  close: () => Promise<void>;
}

export function createApi({ config, log }: { config: ApiConfig; log: Logger }): Api {
  const kafka = createKafka({ brokers: config.TALLY_KAFKA, clientId: 'tally-api', log, retries: 1 });
  const admin = new KafkaAdmin(kafka);
  const clickhouse = new ClickHouse({
    url: config.TALLY_CLICKHOUSE_URL,
    database: config.TALLY_CLICKHOUSE_DATABASE,
    username: config.TALLY_CLICKHOUSE_USER,
    password: config.TALLY_CLICKHOUSE_PASSWORD,
    requestTimeoutMs: QUERY_TIMEOUT_MS,
  });
  const access = accessOf({ config, log, clickhouse });
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
    beforeRoutes: (server) => {
      guard(server, { rules: ACCESS_RULES, closedPrefix: '/v1/', ...access });
      hidePositions(server);
    },
  });
  const groupId = `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`;
  const topics = topicNames(config.TALLY_TOPIC_PREFIX);
  const freshness = new Freshness({ admin, groupId, topics, log, clock: Date.now });
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
  addDocumentRoutes(app);
  addSessionRoutes(app, access.authenticator);
  addKeyRoutes(app, { clickhouse, register: access.register, clock: Date.now });
  addAuditRoute(app, access.audit);
  addRoutes(app, { clickhouse, freshness, clock: Date.now });
  addStatementRoutes(app, statements);
  addLedgerRoute(app, {
    clickhouse,
    admin,
    groupId,
    topics: [topics.interactions, topics.profiles],
    clock: Date.now,
  });
  addDeadLetterRoute(app, { kafka, admin, clickhouse, topics, clock: Date.now });
  addDashboard(app);
  return {
    app,
    close: async () => {
      await access.audit.close();
      await access.register.close();
      await statements.close();
      await admin.close();
      await clickhouse.close();
    },
  };
}

/** How callers are known and what they do is put on record. */
function accessOf({ config, log, clickhouse }: { config: ApiConfig; log: Logger; clickhouse: ClickHouse }): {
  register: KeyRegister;
  authenticator: Authenticator;
  audit: AuditTrail;
} {
  const clock = Date.now;
  const register = new KeyRegister({ clickhouse, log, clock });
  const keys = new KeyBook({ adminKey: config.TALLY_ADMIN_KEY, register, clock });
  const authenticator = new Authenticator({
    keys,
    verifyToken: tokenVerifier(config),
    sessions: new Sessions({ clickhouse, secret: config.TALLY_ADMIN_KEY, keys, clock }),
    wrongKeysPerMinuteMax: config.TALLY_WRONG_KEYS_PER_MINUTE_MAX,
    publicUrl: config.TALLY_API_PUBLIC_URL,
  });
  return { register, authenticator, audit: new AuditTrail({ clickhouse, log, clock }) };
}
