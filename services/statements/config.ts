/**
 * Settings of statements, shared by the services that issue them.
 */
import { wholeNumber } from '@tally/platform/config';
import { z } from 'zod';

/** Longer than this, a month would be over twice before it is stated. */
const GRACE_DAYS_MAX = 60;

export const statementConfig = z.object({
  /** Days after a month's end for what comes late, before the month can be stated. */
  TALLY_STATEMENT_GRACE_DAYS: wholeNumber(0, GRACE_DAYS_MAX, 3),
});
