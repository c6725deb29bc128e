/**
 * A third opinion: what `tally ledger --verify` says, which recounts from the tables and from Kafka with code of its own.
 */
import { verify } from '@tally/audit';
import { readTopic } from '@tally/platform/kafka';

export interface AuditFindings {
  verified: boolean;
  comparisons: { name: string; compared: number; differing: number }[];
  differences: string[];
}

/** What of a system the audit reads. */
type AuditedSystem = Pick<Parameters<typeof verify>[0], 'clickhouse' | 'admin' | 'groupId' | 'topics'> &
  Parameters<typeof readTopic>[0];

const EXAMPLES_MAX = 20;

export async function auditLog(system: AuditedSystem): Promise<AuditFindings> {
  const { clickhouse, admin, groupId, topics } = system;
  const { verified, comparisons, differences } = await verify({
    clickhouse,
    admin,
    groupId,
    topics,
    clock: Date.now,
    readTopic: (topic, visit) => readTopic(system, topic, visit),
    onProgress: () => undefined,
  });
  const told = differences.slice(0, EXAMPLES_MAX).map(({ comparison, topic, partition, offset, what }) => {
    const place = topic === undefined ? '' : ` ${topic}/${partition}/${offset}`;
    return `audit, ${comparison}:${place} ${what}`;
  });
  if (!verified && told.length === 0) told.push('the audit did not verify the ledger');
  return {
    verified,
    comparisons: comparisons.map(({ name, compared, differing }) => ({ name, compared, differing })),
    differences: told,
  };
}
