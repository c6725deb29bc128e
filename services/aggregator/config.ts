/**
 * The aggregator's configuration, from the environment.
 */

import { isMonth } from '@tally/metering';
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { statementConfig } from '@tally/statements';
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

/** When a job runs, UTC; six fields have seconds. */
export const cron = z.string().refine(isCron, 'must be a cron expression');

const MINUTES_PER_DAY = 1_440;

export const aggregatorConfig = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  ...processConfig.shape,
  ...statementConfig.shape,
  TALLY_GROUP: z.string().min(1).default('tally'),
  /** Job `aggregate`: figures of what changed. Every job has a variable of this form, `TALLY_<JOB>_CRON`. */
  TALLY_AGGREGATE_CRON: cron.default('0 * * * * *'),
  /** Job `statements`: the statements that are due; it finds nothing to do in most hours. */
  TALLY_STATEMENTS_CRON: cron.default('0 5 * * * *'),
  /** The month with which tenants begin that have no statement yet; empty: the last one that can be stated. */
  TALLY_STATEMENTS_SINCE: z.union([z.literal(''), z.string().refine(isMonth, 'must be a month, YYYY-MM')]).default(''),
  /**
   * Minutes from a UTC day's start over which its figures of tenants without any event are spread; the first run after
   * them takes all that are left. 0: the day's first run takes all.
   */
  TALLY_DAY_SPREAD_MINUTES: wholeNumber(0, MINUTES_PER_DAY - 1, 60),
  TALLY_AGGREGATOR_HOST: z.string().default('127.0.0.1'),
  /** Health and metrics; 0 is any free port. */
  TALLY_AGGREGATOR_PORT: wholeNumber(0, 65_535, 8084),
});
