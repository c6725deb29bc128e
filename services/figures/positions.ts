/**
 * How fresh figures are: the offsets the consumer has committed. A batch is committed after all of it is written, so
 * whatever is worked out from now on holds everything before these offsets.
 */
import type { KafkaAdmin } from '@tally/platform/kafka';
import type { Positions } from './tenants.ts';

/** Committed offsets of the group, by `topic/partition`. */
export async function committedPositions(
  admin: KafkaAdmin,
  group: { groupId: string; topics: readonly string[] },
): Promise<Positions> {
  const positions: Positions = {};
  for (const topic of group.topics) {
    const committed = await admin.committed(group.groupId, topic);
    for (const [partition, offset] of [...committed].sort(([a], [b]) => a - b)) {
      positions[`${topic}/${partition}`] = Number(offset);
    }
  }
  return positions;
}
