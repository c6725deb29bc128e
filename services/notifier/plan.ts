/**
 * Decides of each new change who is to be told, once: a target that comes later, or wants more later, is told of what
 * happens from then on.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Logger } from '@tally/platform/log';
import { type Delivery, recordDeliveries } from './deliveries.ts';
import type { Checkpoint } from './lane.ts';
import { type OutboxChange, undecidedChanges } from './outbox.ts';
import { type AlertTarget, wants } from './target.ts';

/** Changes decided with one insert. */
const PAGE = 500;

export interface PlanOptions {
  clickhouse: ClickHouse;
  targets: readonly AlertTarget[];
  /** By ClickHouse's clock: all that was written earlier is decided. */
  writtenSince: number;
  clock: () => number;
  log: Logger;
  signal: AbortSignal;
  /** Awaited after each page. */
  onDecided: () => Promise<void>;
  checkpoint: (place: Checkpoint) => Promise<void>;
}

/** Decides all that is undecided. A crash before an insert costs nothing; the insert is whole or not there. */
export async function plan(options: PlanOptions): Promise<void> {
  const { clickhouse, targets, writtenSince, clock, log, signal, onDecided, checkpoint } = options;
  while (!signal.aborted) {
    const changes = await undecidedChanges(clickhouse, { writtenSince, limit: PAGE });
    if (changes.length === 0) return;
    for (const { changeId, message } of changes) {
      if (message === null) log.error({ change: changeId }, 'the outbox holds what is no change of an alert');
    }
    const now = clock();
    await checkpoint('before-plan');
    await recordDeliveries(
      clickhouse,
      changes.flatMap((change) => decisionsOf(change, targets, now)),
    );
    await checkpoint('planned');
    await onDecided();
    if (changes.length < PAGE) return;
  }
}

function decisionsOf(
  { changeId, at, message }: OutboxChange,
  targets: readonly AlertTarget[],
  now: number,
): Delivery[] {
  const row = { changeId, changedAt: at, plannedAt: now, attempt: 0, at: now, status: 0, durationMs: 0 };
  const wanted = message === null ? [] : targets.filter((target) => wants(target, message.change));
  if (wanted.length === 0) {
    const detail = message === null ? 'this is no change of an alert' : 'no target wants it';
    return [{ ...row, targetId: '', outcome: 'unwanted', detail, nextAttemptAt: null }];
  }
  return wanted.map(({ id }) => ({ ...row, targetId: id, outcome: 'waiting', detail: '', nextAttemptAt: now }));
}
