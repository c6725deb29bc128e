/**
 * When a month may be stated: once it is over, some days have passed for what comes late, and the consumer has read what
 * came until then.
 */

import type { Positions } from '@tally/figures';
import { addDays, addToMonth, type Day, dayOf, firstDayOf, type Month, monthOf } from '@tally/metering';
import { TallyError } from '@tally/platform/errors';
import type { KafkaAdmin } from '@tally/platform/kafka';

/** The first day on which a month may be stated. */
export function statableFrom(month: Month, graceDays: number): Day {
  return addDays(firstDayOf(addToMonth(month, 1)), graceDays);
}

/** The last month that may be stated at a moment, milliseconds since 1970-01-01 UTC. */
export function lastStatable(now: number, graceDays: number): Month {
  return addToMonth(monthOf(addDays(dayOf(now), -graceDays)), -1);
}

/** Throws `STATEMENT_TOO_EARLY`. */
export function requireStatable(month: Month, { now, graceDays }: { now: number; graceDays: number }): void {
  if (month <= lastStatable(now, graceDays)) return;
  const from = statableFrom(month, graceDays);
  const message = `${month} may be stated from ${from} on: after its end and ${graceDays} days for what comes late`;
  throw new TallyError(message, { code: 'STATEMENT_TOO_EARLY', retriable: false });
}

const MS_PER_DAY = 86_400_000;

/** Throws `STATEMENT_LOG_UNREAD` (retriable) while something that the log got before the month could be stated is not read. */
export async function requireLogRead(
  { admin, topics }: { admin: KafkaAdmin; topics: readonly string[] },
  { month, graceDays, positions }: { month: Month; graceDays: number; positions: Positions },
): Promise<void> {
  const moment = Date.parse(`${statableFrom(month, 0)}T00:00:00Z`) + graceDays * MS_PER_DAY;
  for (const topic of topics) {
    for (const [partition, offset] of await admin.offsetsAt(topic, moment)) {
      const read = positions[`${topic}/${partition}`] ?? 0;
      if (BigInt(read) >= offset) continue;
      const message = `${topic}/${partition} is read up to ${read}; what it got for ${month} goes up to ${offset}`;
      throw new TallyError(message, { code: 'STATEMENT_LOG_UNREAD', retriable: true });
    }
  }
}
