/**
 * A notifier with everything it talks to, as its configuration says.
 */
import { readFile } from 'node:fs/promises';
import { ClickHouse, clickhouseOptions } from '@tally/platform/clickhouse';
import type { Registry } from '@tally/platform/http';
import { createKafka, kafkaServers, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import type { NotifierConfig } from './config.ts';
import { NotifierMetrics } from './metrics.ts';
import { systemResolver } from './networks.ts';
import { Notifier, type NotifierOptions } from './notifier.ts';
import { createSenders } from './senders.ts';

export interface StartOptions extends Partial<Pick<NotifierOptions, 'clock' | 'random' | 'checkpoint'>> {
  config: NotifierConfig;
  /** Where secrets of targets may be. */
  env: Readonly<Record<string, string | undefined>>;
  registry: Registry;
  log: Logger;
}

export interface RunningNotifier {
  notifier: Notifier;
  stop: () => Promise<void>;
}

/** What is under way may end; what does not is told again. */
const STOP_MS_MAX = 5_000;
const CONNECT_MS_MAX = 5_000;
/** Longer tries would hold up the other records; the delivery is tried again. */
const KAFKA_DELIVERY_MS_MAX = 10_000;

/** Not started yet. */
export async function createNotifier({ config, env, registry, log, ...rest }: StartOptions): Promise<RunningNotifier> {
  const clock = rest.clock ?? Date.now;
  const clickhouse = new ClickHouse(clickhouseOptions(config));
  const kafka = createKafka({ ...kafkaServers(config), clientId: 'tally-notifier', log });
  const sender = new Sender({ kafka, log, deliveryTimeoutMs: KAFKA_DELIVERY_MS_MAX });
  const caFile = config.TALLY_SMTP_CA_FILE;
  const senders = createSenders({
    http: {
      privateNetworks: config.TALLY_NOTIFY_PRIVATE_NETWORKS,
      resolve: systemResolver(),
      clock,
      connectMsMax: Math.min(CONNECT_MS_MAX, config.TALLY_NOTIFY_ANSWER_MS),
      answerMsMax: config.TALLY_NOTIFY_ANSWER_MS,
    },
    smtp: {
      host: config.TALLY_SMTP_HOST,
      port: config.TALLY_SMTP_PORT,
      security: config.TALLY_SMTP_SECURITY,
      user: config.TALLY_SMTP_USER,
      password: config.TALLY_SMTP_PASSWORD,
      from: config.TALLY_SMTP_FROM,
      ca: caFile === '' ? '' : await readFile(caFile, 'utf8'),
      answerMsMax: config.TALLY_NOTIFY_ANSWER_MS,
    },
    secrets: { env, dir: config.TALLY_NOTIFY_SECRETS_DIR },
    sender,
    topic: topicNames(config.TALLY_TOPIC_PREFIX).alerts,
  });
  const notifier = new Notifier({
    clickhouse,
    send: senders.send,
    metrics: new NotifierMetrics(registry, clock),
    log,
    pollMs: config.TALLY_NOTIFY_POLL_MS,
    ...rest,
    clock,
  });
  return {
    notifier,
    stop: async () => {
      await notifier.stop(STOP_MS_MAX);
      await senders.close();
      await sender.close();
      await clickhouse.close();
    },
  };
}
