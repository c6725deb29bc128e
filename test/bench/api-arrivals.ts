/**
 * Events that come in beside a load: all tables that the log fills are written every second, for a tenant that nobody asks
 * about.
 */

import type { ClickHouse } from '@tally/platform/clickhouse';
import { dateTime64 } from '@tally/platform/clickhouse';

export const ELSEWHERE = 'elsewhere';

const EVERY_MS = 1_000;
const EVENTS_EACH_TIME = 100;
/** Of no log: where the data are kept, the next one who adds to the log finds it as it was. */
const EPOCH = 255n;
const POSITION_BITS = 56n;

/** Writes events into `ingest`, as the consumer does, until the work is done. Throws what either throws. */
export async function withArrivals<Result>(clickhouse: ClickHouse, work: () => Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const arriving = (async () => {
    while (!over.signal.aborted) {
      await clickhouse.insert('ingest', eventsAt(Date.now()));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await arriving;
  }
}

function eventsAt(now: number): object[] {
  return Array.from({ length: EVENTS_EACH_TIME }, (_, index) => {
    const place = BigInt(now) * BigInt(EVENTS_EACH_TIME) + BigInt(index);
    return {
      position: String((EPOCH << POSITION_BITS) | (place % 2n ** 40n)),
      outcome: 'counted',
      tenant_id: ELSEWHERE,
      environment_id: 'prod',
      entity_type: 'contact',
      entity_id: String(index),
      entity_key: String(index),
      event_id: String(place),
      event_key: String(place),
      channel: 'email',
      direction: 'outbound',
      occurred_at: dateTime64(now),
    };
  });
}
