/**
 * A consumer process that is killed (SIGKILL) when it reaches a named place between two steps for the first time:
 * `DIE_AT`. Production code passes no checkpoint; only this entry does.
 */
import { type Checkpoint, consumerConfig, startConsumer } from '@tally/consumer';
import { parseConfig } from '@tally/platform/config';
import { announce } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { fail, onShutdown, runService } from '@tally/platform/shutdown';

const log = createLog('consumer-that-dies', 'info');

await runService(log, async () => {
  const config = parseConfig(consumerConfig, process.env);
  const dieAt = process.env['DIE_AT'] as Checkpoint | undefined;
  const consumer = await startConsumer({
    config,
    log,
    onFatal: (error) => fail(log, error),
    checkpoint: async (place) => {
      if (place === dieAt) process.kill(process.pid, 'SIGKILL');
    },
  });
  onShutdown({ log, supervised: config.TALLY_SUPERVISED, stop: consumer.stop });
  if (config.TALLY_READY_FILE) await announce(config.TALLY_READY_FILE, { url: 'http://127.0.0.1:1' });
});
