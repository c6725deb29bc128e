/**
 * What was published when: every snapshot of a period, for whoever asks why a figure is another one than last week.
 */
import { publishedHistory, type UnifiedBreakdown } from '@tally/figures';
import { firstDayOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { z } from 'zod';
import { asOfLastRun } from './as-of.ts';
import { checked, isAskedDay, isAskedMonth, tenantOf } from './parameters.ts';

/** Snapshots in one answer. */
const PUBLISHED_DEFAULT = 1_000;
const PUBLISHED_MAX = 10_000;

export const publishedAsked = z
  .object({
    meter: z.enum(['interactions', 'engaged', 'unified']),
    period: z.string(),
    limit: z.coerce.number().int().min(1).max(PUBLISHED_MAX).default(PUBLISHED_DEFAULT),
  })
  .superRefine(({ meter, period }, context) => {
    const [right, form] =
      meter === 'interactions' ? [isAskedMonth(period), 'a month, YYYY-MM'] : [isAskedDay(period), 'a day, YYYY-MM-DD'];
    if (!right) context.addIssue({ code: 'custom', path: ['period'], message: `of ${meter} must be ${form}` });
  });

/**
 * `GET /v1/tenants/{t}/published?meter=&period=&limit=`: a month of interactions, a day of engaged or unified people; the
 * newest `limit` snapshots, oldest first; `complete` says whether those are all.
 */
export function addPublishedRoute(app: FastifyInstance, { clickhouse }: { clickhouse: ClickHouse }): void {
  app.get('/v1/tenants/:tenantId/published', async ({ params, query }) => {
    const tenantId = tenantOf(params);
    const { meter, period, limit } = checked(publishedAsked, query);
    const asOf = await asOfLastRun(clickhouse, tenantId);
    const history = await publishedHistory(clickhouse, {
      tenantId,
      meter,
      period: meter === 'interactions' ? firstDayOf(period) : period,
      limit: limit + 1,
    });
    const published = history.slice(-limit).map(({ computedAt, total, breakdown, policy, runId, positions }) => ({
      computedAt: new Date(computedAt).toISOString(),
      total,
      breakdown: withoutPlaces(breakdown),
      policy: policy === '' ? null : policy,
      runId,
      positions,
    }));
    return { meter, period, published, complete: history.length <= limit, asOf };
  });
}

/** Up to where records were read is for statements to recount; places in the log are nobody's figure. */
function withoutPlaces(breakdown: unknown): object {
  const { readUpTo: _, ...told } = breakdown as Partial<UnifiedBreakdown>;
  return told;
}
