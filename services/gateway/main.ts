/**
 * The gateway as a process: `node services/gateway/main.ts`, configured by environment variables (config.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { closeHttpServer, createRegistry, listen } from '@tally/platform/http';
import { createKafka, KafkaAdmin, kafkaServers } from '@tally/platform/kafka';
import { createLog, type Logger } from '@tally/platform/log';
import { onShutdown, runService } from '@tally/platform/shutdown';
import { TallyProducer } from '@tally/producer';
import { gatewayAccess } from './access.ts';
import { answerMsMaxOf, CLOSE_MS_MAX, type GatewayConfig, gatewayConfig, stopMsMaxOf } from './config.ts';
import { createGateway } from './gateway.ts';
import { kafkaReadiness } from './readiness.ts';

const READY_REQUEST_MS_MAX = 2_000;

const log = createLog('gateway', 'info');
await runService(log, main);

async function main(): Promise<void> {
  const config = parseConfig(gatewayConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const producer = createProducer(config, log);
  const admin = createAdmin(config, log);
  const access = gatewayAccess(config, log);
  const answerMsMax = answerMsMaxOf(config);
  const app = createGateway({
    log,
    registry: createRegistry(),
    send: (record) => producer.send(record),
    ready: kafkaReadiness(() => admin.clusterId(), Date.now),
    authenticator: access.authenticator,
    limits: {
      bodyBytesMax: config.TALLY_GATEWAY_BODY_BYTES_MAX,
      bodyBytesInFlightMax: config.TALLY_GATEWAY_BODY_BYTES_IN_FLIGHT_MAX,
      batchEventsMax: config.TALLY_GATEWAY_BATCH_EVENTS_MAX,
      eventsInFlightMax: config.TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX,
      answerMsMax,
      requestTimeoutMs: config.TALLY_GATEWAY_REQUEST_TIMEOUT_MS,
    },
    now: Date.now,
  });
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    timeoutMs: stopMsMaxOf(config),
    stop: async () => {
      // 1. Requests in hand are answered, so every event that was said to be in the log is there.
      await closeHttpServer(app, answerMsMax + CLOSE_MS_MAX);
      // 2. What still waits was answered as failed: it is sent if Kafka takes it soon, and may be dropped if not.
      await Promise.race([Promise.all([producer.close(), admin.close(), access.close()]), sleep(CLOSE_MS_MAX)]);
    },
  });
  // Without Kafka the gateway starts all the same: it answers 503 and is not ready until Kafka is there.
  await producer.connect().catch((err: unknown) => {
    // A user, a certificate or topics that are wrong stay so until a person has looked.
    if (err instanceof TallyError && !err.retriable) throw err;
    log.warn({ err }, 'Kafka does not answer yet');
  });
  await listen(app, {
    log,
    host: config.TALLY_GATEWAY_HOST,
    port: config.TALLY_GATEWAY_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
}

function createProducer(config: GatewayConfig, log: Logger): TallyProducer {
  return new TallyProducer({
    ...kafkaServers(config),
    clientId: 'tally-gateway',
    topicPrefix: config.TALLY_TOPIC_PREFIX,
    deliveryTimeoutMs: config.TALLY_GATEWAY_DELIVERY_TIMEOUT_MS,
    // The gateway refuses before the producer would make calls wait.
    bufferedRecordsMax: config.TALLY_GATEWAY_EVENTS_IN_FLIGHT_MAX,
    replicationFactorMin: config.TALLY_REPLICATION_FACTOR_MIN,
    log,
  });
}

function createAdmin(config: GatewayConfig, log: Logger): KafkaAdmin {
  const requestTimeoutMs = READY_REQUEST_MS_MAX;
  return new KafkaAdmin(
    createKafka({ ...kafkaServers(config), clientId: 'tally-gateway-ready', log, requestTimeoutMs, retries: 0 }),
  );
}
