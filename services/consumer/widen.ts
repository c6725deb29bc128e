/**
 * Gives a metered topic more partitions while events keep coming. The number of partitions decides where a key goes, so no
 * record may be placed by the old number once the new one holds, and everything placed by the old one must be counted
 * before: then every repetition finds its first occurrence in the index, wherever that stood.
 *
 * What a crash costs after each step; the same command goes on from there:
 *   1. fenced      nothing gets in (senders wait, the gateway answers 503) until it is run again
 *   2. drained     the same
 *   3. widened     the same, and the consumers refuse to start
 *   4. opened      nothing gets in; the consumers are at work again
 *   5. settled     the same
 *   6. lifted      nothing
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TallyError } from '@tally/platform/errors';
import { FENCED, isFenced, PARTITIONS_KEPT_MS } from '@tally/platform/kafka';
import { retryForever } from '@tally/platform/retry';
import { METERED_TOPIC_SETTINGS } from '@tally/schemas';
import { type LogDecision, openLog } from './log-commands.ts';
import { checkPartitions, currentLog, type MeteredLog } from './logs.ts';

export const WIDENING_STEPS = ['fenced', 'drained', 'widened', 'opened', 'settled', 'lifted'] as const;
export type WideningStep = (typeof WIDENING_STEPS)[number];

export interface Widening {
  /** How many there are to be, more than there are. */
  partitions: number;
  by: string;
  because: string;
  /** How long the consumers may take to count what is in the log, milliseconds. Then nothing is changed. */
  drainMsMax: number;
  onStep?: (step: WideningStep) => void;
}

/** Nothing may arrive for so long before the log counts as drained: every broker has heard of the fence by then. */
const STILL_MS = 3_000;
const POLL_MS = 250;
/** Consumers look at the log every ten seconds, and one that ends is in the group until its session is over. */
const GROUP_EMPTY_MS_MAX = 120_000;
/** A request that was placed by the old number may be on its way for this long after the number was asked again. */
const UNDER_WAY_MS_MAX = 5_000;
const LARGEST_MESSAGE = 'max.message.bytes';

/**
 * Resolves when the topic is open again, under its new epoch. Throws `LOG_NOT_WIDER`, `LOG_PARTITIONS_CHANGED` when somebody
 * else has added partitions, `PARTITIONS_AND_SHARDS`, `LOG_NOT_DRAINED` (nothing is changed then), or `GROUP_ACTIVE`.
 */
export async function widenLog(decision: LogDecision, widening: Widening): Promise<MeteredLog> {
  const { admin, clickhouse, topic } = decision;
  const { partitions, by, because, onStep = () => undefined } = widening;
  let log = await currentLog(clickhouse, topic);
  const settings = await admin.topicSettings(topic);
  const begun = isFenced(settings);
  const there = (await admin.extents(topic)).length;
  refuseOthersDoing(log, { there, partitions, begun });
  checkPartitions(clickhouse, [log, { topic, partitions }]);
  // A fence that an earlier run has left does not say what there was before it.
  const largest = (begun ? METERED_TOPIC_SETTINGS[LARGEST_MESSAGE] : settings[LARGEST_MESSAGE]) ?? '';

  if (there < partitions) {
    await admin.setTopicSettings(topic, FENCED);
    onStep('fenced');
    await drained(decision, log, widening.drainMsMax).catch(async (error: unknown) => {
      await admin.setTopicSettings(topic, { [LARGEST_MESSAGE]: largest });
      throw error;
    });
    onStep('drained');
    await admin.setPartitionCount(topic, partitions);
    onStep('widened');
  }
  const widenedAt = Date.now();
  if (log.partitions < partitions) {
    // The consumers stop when they see the partitions; until then the group is theirs.
    const opened = await retryForever(() => openLog(decision, { by, because, afresh: false }), {
      waitMsFirst: POLL_MS,
      waitMsMax: 4 * POLL_MS,
      isRetriable: (error) =>
        error instanceof TallyError &&
        (error.retriable || error.code === 'GROUP_ACTIVE') &&
        Date.now() - widenedAt < GROUP_EMPTY_MS_MAX,
    });
    log = opened.log;
  }
  onStep('opened');
  await sleep(Math.max(0, widenedAt + PARTITIONS_KEPT_MS + UNDER_WAY_MS_MAX - Date.now()));
  onStep('settled');
  await admin.setTopicSettings(topic, { [LARGEST_MESSAGE]: largest });
  onStep('lifted');
  return log;
}

function refuseOthersDoing(
  log: MeteredLog,
  { there, partitions, begun }: { there: number; partitions: number; begun: boolean },
): void {
  if (there > partitions || (there === partitions && !begun)) {
    throw refusal('LOG_NOT_WIDER', `${log.topic} has ${there} partitions already, asked for are ${partitions}`);
  }
  if (there !== log.partitions && !begun) {
    throw refusal(
      'LOG_PARTITIONS_CHANGED',
      `${log.topic} had ${log.partitions} partitions and somebody has added ${there - log.partitions}: \`tally log open --topic ${log.topic} --because REASON\` first`,
    );
  }
}

/** Resolves when the group has committed all there is, and nothing has arrived for a while. */
async function drained({ admin, groupId, topic }: LogDecision, log: MeteredLog, msMax: number): Promise<void> {
  const deadline = Date.now() + msMax;
  let ends = '';
  for (let stillSince = Date.now(); ; await sleep(POLL_MS)) {
    const extents = await admin.extents(topic);
    const committed = await admin.committed(groupId, topic);
    const left = extents.filter(
      ({ partition, end }) => end > (committed.get(partition) ?? log.starts[partition] ?? 0n),
    ).length;
    const now = extents.map(({ end }) => end).join(' ');
    if (now !== ends) stillSince = Date.now();
    ends = now;
    if (left === 0 && Date.now() - stillSince >= STILL_MS) return;
    if (Date.now() < deadline) continue;
    throw new TallyError(
      `${left} partition(s) of ${topic} were not counted within ${msMax} ms, so nothing was changed: see that consumers are at work, and try again`,
      { code: 'LOG_NOT_DRAINED', retriable: true },
    );
  }
}

function refusal(code: string, message: string): TallyError {
  return new TallyError(message, { code, retriable: false });
}
