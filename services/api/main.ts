/**
 * The api as a process: `node services/api/main.ts`, configured by the environment (see config.ts).
 */
import { parseConfig } from '@tally/platform/config';
import { closeHttpServer, listen } from '@tally/platform/http';
import { askToBeLetIn } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';
import { createApi } from './api.ts';
import { apiConfig } from './config.ts';

const HTTP_CLOSE_MS_MAX = 5_000;

const log = createLog('api', 'info');

await runService(log, async () => {
  const config = parseConfig(apiConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  void askToBeLetIn(config, { clientId: 'tally-api', log, onRefused: (error) => fail(log, error) });
  const { app, close } = createApi({ config, log });
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      await closeHttpServer(app, HTTP_CLOSE_MS_MAX);
      await close();
    },
  });
  await listen(app, {
    log,
    host: config.TALLY_API_HOST,
    port: config.TALLY_API_PORT,
    readyFile: config.TALLY_READY_FILE,
  });
});
