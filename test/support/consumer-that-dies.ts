/**
 * A consumer process that dies or freezes as `FAIL_PLAN` says, a JSON array of `{"place","nth","action"}`; `FAIL_LOG`
 * names a file that is told first. Production code passes no checkpoint; only this entry does.
 */
import { consumerConfig, type RunningConsumer, startConsumer } from '@tally/consumer';
import { parseConfig } from '@tally/platform/config';
import { TallyError } from '@tally/platform/errors';
import { announce } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { retryForever } from '@tally/platform/retry';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';
import { failAsPlanned, failPlan } from './fail-plan.ts';

const START_WAIT_MS_FIRST = 200;
const START_WAIT_MS_MAX = 2_000;

const log = createLog('consumer-that-dies', 'info');

await runService(log, async () => {
  const config = parseConfig(consumerConfig, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const plan = failPlan.parse(JSON.parse(process.env['FAIL_PLAN'] ?? '[]'));
  const checkpoint = failAsPlanned(plan, process.env['FAIL_LOG']);
  let consumer: RunningConsumer | undefined;
  // Before the start, which may wait for ever: the supervisor may go meanwhile.
  onShutdown({ log, supervised: config.TALLY_SUPERVISED, stop: async () => consumer?.stop() });
  const start = () => startConsumer({ config, log, onFatal: (error) => fail(log, error), checkpoint });
  consumer = await retryForever(start, {
    waitMsFirst: START_WAIT_MS_FIRST,
    waitMsMax: START_WAIT_MS_MAX,
    isRetriable: (error) => error instanceof TallyError && error.retriable,
    onFailure: (err, attempts, waitMs) => log.warn({ err, attempts, waitMs }, 'could not start, trying again'),
  });
  if (config.TALLY_READY_FILE) await announce(config.TALLY_READY_FILE, { url: 'http://127.0.0.1:1' });
});
