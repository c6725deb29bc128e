/**
 * An aggregator process that runs again and again and dies as planned. Its time is that of the tenants, and the offsets
 * that a consumer would have committed are in the file `POSITIONS`.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { aggregate } from '@tally/aggregator';
import type { Positions } from '@tally/figures';
import { clickhouseConfig, parseConfig, processConfig } from '@tally/platform/config';
import { messageOf } from '@tally/platform/errors';
import { createLog } from '@tally/platform/log';
import { onShutdown, runService } from '@tally/platform/shutdown';
import { topicNames } from '@tally/schemas';
import { z } from 'zod';
import { MortalClickHouse, mortal } from './places.ts';

const RUN_EVERY_MS = 100;

const log = createLog('aggregator-that-dies', 'info');
const settings = z.object({
  ...clickhouseConfig.shape,
  ...processConfig.shape,
  POSITIONS: z.string(),
  /** How far the tenants' time is from this machine's, milliseconds. */
  TIME_SHIFT_MS: z.coerce.number(),
});

await runService(log, async () => {
  const config = parseConfig(settings, process.env);
  const options = { url: config.TALLY_CLICKHOUSE_URL, database: config.TALLY_CLICKHOUSE_DATABASE };
  const clickhouse = new MortalClickHouse(options, mortal(process.env), {
    snapshots: { before: 'worked-out', during: 'publishing', after: 'published' },
    aggregator_runs: { after: 'run-logged' },
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
  };
  onShutdown({ log, supervised: config.TALLY_SUPERVISED, stop });
  while (!stopping) {
    await aggregate({
      clickhouse,
      positions: async () => JSON.parse(readFileSync(config.POSITIONS, 'utf8')) as Positions,
      topics: topicNames(),
      clock: () => Date.now() + config.TIME_SHIFT_MS,
      log,
    }).catch((error: unknown) => log.error({ err: error }, messageOf(error)));
    await sleep(RUN_EVERY_MS);
  }
});
