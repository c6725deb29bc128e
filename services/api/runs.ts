/**
 * The run log over HTTP.
 */
import { newestRuns, type Run } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { z } from 'zod';
import { checked } from './parameters.ts';

const RUNS_DEFAULT = 50;
const RUNS_MAX = 1_000;

export const runsAsked = z.object({ limit: z.coerce.number().int().min(1).max(RUNS_MAX).default(RUNS_DEFAULT) });

/** `GET /v1/runs?limit=`: the newest runs of every job, newest first. */
export function addRunRoute(app: FastifyInstance, { clickhouse }: { clickhouse: ClickHouse }): void {
  app.get('/v1/runs', async ({ query }) => {
    const { limit } = checked(runsAsked, query);
    return { runs: (await newestRuns(clickhouse, limit)).map(answered) };
  });
}

function answered({ dueAt, startedAt, finishedAt, ...run }: Run): object {
  return {
    ...run,
    dueAt: new Date(dueAt).toISOString(),
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    durationMs: finishedAt - startedAt,
  };
}
