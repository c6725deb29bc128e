/**
 * Puts the api together: an HTTP server that does not listen yet, and what it holds open.
 */
import {
  AuditTrail,
  Authenticator,
  callerIdOf,
  guard,
  hidePositions,
  KeyBook,
  KeyRegister,
  RequestLimits,
  Sessions,
  tokenVerifier,
} from '@tally/access';
import { CurrentFigures } from '@tally/figures';
import { ClickHouse, clickhouseOptions, TableVersions, TrackedClickHouse } from '@tally/platform/clickhouse';
import { messageOf } from '@tally/platform/errors';
import { createHttpServer, createRegistry, type FastifyInstance } from '@tally/platform/http';
import { createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { statementSources } from '@tally/statements';
import { FileRenderer } from '@tally/statements/files';
import { ACCESS_RULES } from './access-rules.ts';
import { addAuditRoute } from './audit.ts';
import { addCaching } from './caching.ts';
import { addCompression } from './compression.ts';
import type { ApiConfig } from './config.ts';
import { addCsv } from './csv/index.ts';
import { addDashboard } from './dashboard.ts';
import { addDeadLetterRoute } from './dead-letters.ts';
import { Freshness } from './freshness.ts';
import { keepAnswers } from './keep-routes.ts';
import { addKeyRoutes } from './keys.ts';
import { addLedgerRoute } from './ledger.ts';
import { LogVersions } from './log-versions.ts';
import { addDocumentRoutes } from './openapi/page.ts';
import { addRoutes } from './routes.ts';
import { securityHeaders } from './security-headers.ts';
import { addSessionRoutes } from './session.ts';
import { addStatementRoutes } from './statements.ts';

const BODY_BYTES_MAX = 1024 * 1024;
/** A query that takes longer is given up, and the caller told so. */
const QUERY_TIMEOUT_MS = 60_000;

export interface Api {
  app: FastifyInstance;
  /** Disconnects, after the server is closed. */
  close: () => Promise<void>;
}

export function createApi({ config, log }: { config: ApiConfig; log: Logger }): Api {
  const kafka = createKafka({ ...kafkaServers(config), clientId: 'tally-api', log, retries: 1 });
  const admin = new KafkaAdmin(kafka);
  const server = {
    ...clickhouseOptions(config),
    requestTimeoutMs: QUERY_TIMEOUT_MS,
  };
  const clickhouse = new TrackedClickHouse(server);
  // Connections of its own: its short questions would wait behind long ones.
  const versionsFrom = new ClickHouse(server);
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
    requestTimeoutMs: config.TALLY_API_REQUEST_TIMEOUT_MS,
    headersTimeoutMs: config.TALLY_API_HEADERS_TIMEOUT_MS,
    idleTimeoutMs: config.TALLY_API_IDLE_TIMEOUT_MS,
    connectionsMax: config.TALLY_API_CONNECTIONS_MAX,
    headers: securityHeaders(config.TALLY_API_PUBLIC_URL),
    trustedProxies: config.TALLY_API_TRUSTED_PROXIES,
    requestLogLevel: 'info',
    callerIdOf,
    beforeRoutes: (server) => {
      guard(server, { rules: ACCESS_RULES, closedPrefix: '/v1/', ...access, limits: limitsOf(config) });
      hidePositions(server);
      addCaching(server);
    },
  });
  const groupId = `${config.TALLY_TOPIC_PREFIX}${config.TALLY_GROUP}`;
  const topics = topicNames(config.TALLY_TOPIC_PREFIX);
  const freshness = new Freshness({ admin, clickhouse: versionsFrom, groupId, topics, log, clock: Date.now });
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
  const renderer = new FileRenderer();
  addCompression(app);
  app.register(async (routes) => {
    addCsv(routes);
    const versions = new TableVersions(versionsFrom);
    const logVersions = new LogVersions(versionsFrom, () => freshness.committed());
    keepAnswers(routes, { versions, logVersions, freshness, clock: Date.now });
    addDocumentRoutes(routes);
    addSessionRoutes(routes, access);
    addKeyRoutes(routes, { clickhouse, register: access.register, clock: Date.now });
    addAuditRoute(routes, access.audit);
    addRoutes(routes, { clickhouse, figures: new CurrentFigures(clickhouse), freshness, clock: Date.now });
    addStatementRoutes(routes, statements, renderer);
    addLedgerRoute(routes, {
      clickhouse,
      admin,
      groupId,
      topics: [topics.interactions, topics.profiles],
      clock: Date.now,
    });
    addDeadLetterRoute(routes, { kafka, admin, clickhouse, topics, clock: Date.now });
    addDashboard(routes);
  });
  return {
    app,
    close: async () => {
      await renderer.close();
      await access.audit.close();
      await access.register.close();
      await statements.close();
      await admin.close();
      await clickhouse.close();
      await versionsFrom.close();
    },
  };
}

function limitsOf(config: ApiConfig): RequestLimits {
  return new RequestLimits({
    perMinuteMax: config.TALLY_API_REQUESTS_PER_MINUTE_MAX,
    unknownPerMinuteMax: config.TALLY_API_UNKNOWN_REQUESTS_PER_MINUTE_MAX,
  });
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
