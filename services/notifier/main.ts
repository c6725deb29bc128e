/**
 * The notifier as a process: `node services/notifier/main.ts`, configured by the environment (see config.ts).
 */
import { parseConfig } from '@tally/platform/config';
import { closeHttpServer, createHttpServer, createRegistry, listen } from '@tally/platform/http';
import { askToBeLetIn } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';
import { notifierConfig } from './config.ts';
import { startLooking } from './look.ts';
import { createNotifier } from './start.ts';

const HTTP_CLOSE_MS_MAX = 1_000;
/** Ready as long as the outbox was looked at within this time. */
const FRESH_MS_MAX = 60_000;

const log = createLog('notifier', 'info');

await runService(log, async () => {
  const config = parseConfig(notifierConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  void askToBeLetIn(config, { clientId: 'tally-notifier', log, onRefused: (error) => fail(log, error) });
  const registry = createRegistry();
  const { notifier, stop } = await createNotifier({ config, env: process.env, registry, log });
  const app = createHttpServer({
    log,
    registry,
    ready: async () => ({
      ok: Date.now() - notifier.lastTickAt < FRESH_MS_MAX,
      detail: notifier.lastTickAt === 0 ? 'not yet' : `outbox at ${new Date(notifier.lastTickAt).toISOString()}`,
    }),
    bodyBytesMax: 1_024,
    requestTimeoutMs: 5_000,
  });
  const look = await startLooking({ config, registry, log, clock: Date.now });
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      // What the last look has found is still told, as far as there is time.
      await look.stop();
      await stop();
      await closeHttpServer(app, HTTP_CLOSE_MS_MAX);
    },
  });
  notifier.start();
  await listen(app, {
    log,
    host: config.TALLY_NOTIFIER_HOST,
    port: config.TALLY_NOTIFIER_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
