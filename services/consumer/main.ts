/**
 * The consumer as a process: `node services/consumer/main.ts`, configured by the environment (see config.ts).
 */
import { setFlagsFromString } from 'node:v8';
import { parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { closeHttpServer, createHttpServer, createRegistry, listen, Registry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';
import { startTracing } from '@tally/platform/tracing';
import { consumerConfig } from './config.ts';
import { startConsumer } from './consumer.ts';

/** MiB. Records live for as long as their group is read and decoded: with less room they would be copied around meanwhile. */
const YOUNG_GENERATION_MIB = 64;
setFlagsFromString(`--max-semi-space-size=${YOUNG_GENERATION_MIB}`);

const HTTP_CLOSE_MS_MAX = 1_000;
const START_WAIT_MS_FIRST = 200;
const START_WAIT_MS_MAX = 5_000;

const log = createLog('consumer', 'info');

await runService(log, async () => {
  const config = parseConfig(consumerConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const tracing = await startTracing({ service: 'consumer', config, log });
  const stops: (() => Promise<void>)[] = [];
  // Before the start, which may wait for ever: the supervisor may go meanwhile.
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      for (const stop of stops) await stop();
      await tracing?.stop();
    },
  });
  // A broker or a database that is not there yet is waited for; a log that is not what it was is refused.
  const consumer = await retryForever(
    () => startConsumer({ config, log, tracing, onFatal: (error) => fail(log, error) }),
    {
      waitMsFirst: START_WAIT_MS_FIRST,
      waitMsMax: START_WAIT_MS_MAX,
      isRetriable: (error) => error instanceof TallyError && error.retriable,
      onFailure: (err, attempts, waitMs) => {
        const code = err instanceof TallyError ? err.code : undefined;
        log.warn({ err, code, attempts, waitMs }, 'waiting for Kafka or ClickHouse before the start');
      },
    },
  );
  const app = createHttpServer({
    log,
    registry: Registry.merge([createRegistry(), consumer.registry]),
    ready: async () => {
      const ok = consumer.assignments() > 0;
      return { ok, detail: ok ? 'in the group' : 'joining the group' };
    },
    bodyBytesMax: 1_024,
    requestTimeoutMs: 5_000,
  });
  stops.push(consumer.stop, () => closeHttpServer(app, HTTP_CLOSE_MS_MAX));
  await listen(app, {
    log,
    host: config.TALLY_CONSUMER_HOST,
    port: config.TALLY_CONSUMER_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
