/**
 * The aggregator's configuration, from the environment.
 */
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { Cron } from 'croner';
import { z } from 'zod';

function isCron(text: string): boolean {
  try {
    new Cron(text, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}

export const aggregatorConfig = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  ...processConfig.shape,
  TALLY_GROUP: z.string().min(1).default('tally'),
  /** When to run, UTC; six fields have seconds. */
  TALLY_AGGREGATE_CRON: z.string().refine(isCron, 'must be a cron expression').default('0 * * * * *'),
  TALLY_AGGREGATOR_HOST: z.string().default('127.0.0.1'),
  /** Health and metrics; 0 is any free port. */
  TALLY_AGGREGATOR_PORT: wholeNumber(0, 65_535, 8084),
});
