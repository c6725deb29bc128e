/**
 * The job that issues statements: every one that is due, tenant by tenant, in the order of the months.
 */

import type { Run } from '@tally/figures';
import type { Month } from '@tally/metering';
import type { Logger } from '@tally/platform/log';
import { issueDue, type StatementSources } from '@tally/statements';
import { type Due, loggedRun } from './logged-run.ts';

export const STATEMENTS_JOB = 'statements';
/** Who is named in a statement that nobody asked for. */
const BY = 'schedule';

/** Throws while Kafka or ClickHouse is away, or events of a month are not counted yet: the job comes again. */
export function issueDueStatements({
  statements,
  since,
  due,
  log,
}: {
  statements: StatementSources;
  since: Month | undefined;
  due: Due;
  log: Logger;
}): Promise<Run> {
  const { clickhouse, clock } = statements;
  return loggedRun({ clickhouse, job: STATEMENTS_JOB, due, clock }, async () => {
    const { issued, before, failed } = await issueDue(statements, { by: BY, since });
    if (issued + failed.length > 0) log.info({ issued, before, failed: failed.length }, 'statements issued');
    return {
      outcome: failed.length === 0 ? 'succeeded' : 'partly',
      tenants: issued + before + failed.length,
      failed: failed.map(({ tenantId }) => tenantId),
      error: failed.map(({ tenantId, code, message }) => `${tenantId}: ${message} [${code}]`).join('\n'),
      published: issued,
    };
  });
}
