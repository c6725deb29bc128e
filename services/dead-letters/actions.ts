/**
 * What people did about dead letters, appended to a table: who, when, why. Nothing is ever changed there.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

export interface Action {
  id: string;
  origin: string;
  action: 'retried' | 'discarded';
  /** Milliseconds since 1970-01-01 UTC. */
  at: number;
  by: string;
  /** Why; a discard always says it. */
  reason: string;
  /** Of a retry: how many retries lie between it and the first record. */
  attempt: number;
  /** Of a retry: where its event was known at the time, so that it changed nothing; 0 where it was not known. */
  knownPosition: bigint;
}

/** Appends actions; each gets an id, so that an insert that is tried again is no second action. */
export async function recordActions(clickhouse: ClickHouse, actions: readonly Omit<Action, 'id'>[]): Promise<void> {
  await clickhouse.insert(
    'dead_letter_actions',
    actions.map(({ origin, action, at, by, reason, attempt, knownPosition }) => ({
      origin,
      action_id: randomUUID(),
      action,
      at: dateTime64(at),
      by,
      reason,
      attempt,
      known_position: knownPosition.toString(),
    })),
  );
}

interface ActionRow {
  origin: string;
  id: string;
  action: Action['action'];
  at_ms: string;
  by: string;
  reason: string;
  attempt: number;
  known_position: string;
}

const ACTIONS = `
  SELECT origin, toString(action_id) AS id, action, toUnixTimestamp64Milli(at) AS at_ms, by, reason, attempt, known_position
  FROM dead_letter_actions
  ORDER BY at, id
  LIMIT 1 BY action_id`;

/** Every action by origin, oldest first. */
export async function readActions(clickhouse: ClickHouse): Promise<Map<string, Action[]>> {
  const actions = new Map<string, Action[]>();
  for (const { at_ms, known_position, ...row } of await clickhouse.query<ActionRow>(ACTIONS)) {
    const known = actions.get(row.origin) ?? [];
    known.push({ ...row, at: Number(at_ms), knownPosition: BigInt(known_position) });
    actions.set(row.origin, known);
  }
  return actions;
}
