/**
 * A notifier process, with the look for alerts in it, that dies as planned. The look has the tenants' time; deliveries have
 * this machine's, since receivers hold what is signed against theirs.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { notifierConfig } from '@tally/notifier';
import { createNotifier } from '@tally/notifier/start';
import { parseConfig } from '@tally/platform/config';
import { messageOf } from '@tally/platform/errors';
import { createRegistry } from '@tally/platform/http';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { onShutdown, runService } from '@tally/platform/shutdown';
import { topicNames } from '@tally/schemas';
import { lookForAlerts } from '@tally/watch';
import { z } from 'zod';
import { MortalClickHouse, mortal, type Place } from './places.ts';

const LOOK_EVERY_MS = 100;
const GRACE_DAYS = 3;
/** What begins when a checkpoint is passed, and may be cut off in the middle. */
const BEGINS: Readonly<Record<string, Place>> = {
  'before-plan': 'planning',
  'before-send': 'sending',
  sent: 'recording',
};

const log = createLog('notifier-that-dies', 'info');
const settings = z.object({ ...notifierConfig.shape, TALLY_GROUP: z.string(), TIME_SHIFT_MS: z.coerce.number() });

await runService(log, async () => {
  const config = parseConfig(settings, process.env);
  log.level = config.TALLY_LOG_LEVEL;
  const { pass, begin } = mortal(process.env);
  const options = { url: config.TALLY_CLICKHOUSE_URL, database: config.TALLY_CLICKHOUSE_DATABASE };
  const clickhouse = new MortalClickHouse(
    options,
    { pass, begin },
    {
      // Only where there is something to store: a look that changes nothing passes none of them.
      alert_changes: { before: 'decided', during: 'storing', after: 'stored' },
      aggregator_runs: { after: 'look-logged' },
    },
  );
  const admin = new KafkaAdmin(createKafka({ brokers: config.TALLY_KAFKA, clientId: 'notifier-that-dies', log }));
  const { notifier, stop } = await createNotifier({
    config,
    env: process.env,
    registry: createRegistry(),
    log,
    checkpoint: async (place) => {
      await pass(place);
      const next = BEGINS[place];
      if (next !== undefined) begin(next);
    },
  });
  let stopping = false;
  onShutdown({
    log,
    supervised: config.TALLY_SUPERVISED,
    stop: async () => {
      stopping = true;
      await stop();
    },
  });
  notifier.start();
  while (!stopping) {
    await lookForAlerts({
      clickhouse,
      admin,
      groupId: config.TALLY_GROUP,
      topics: topicNames(),
      graceDays: GRACE_DAYS,
      log,
      clock: () => Date.now() + config.TIME_SHIFT_MS,
      checkpoint: async (place) => {
        if (place === 'observed') await pass('observed');
      },
    }).catch((error: unknown) => log.error({ err: error }, messageOf(error)));
    await sleep(LOOK_EVERY_MS);
  }
});
