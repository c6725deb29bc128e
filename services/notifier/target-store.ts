/**
 * The list of targets as it stands in ClickHouse: every change is kept whole, with who made it, when and why.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type AlertTarget, alertTarget, DEFAULT_TARGETS } from './target.ts';

export interface TargetsVersion {
  id: string;
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  changedBy: string;
  because: string;
  targets: AlertTarget[];
}

export interface TargetsChange {
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
  by: string;
  because: string;
  targets: readonly AlertTarget[];
  /** The version that the change was made from, null for none; absent: whichever holds. */
  replaces?: string | null | undefined;
}

/** Versions that are read at once. */
const VERSIONS_MAX = 1_000;
/** Changes of the list that may come in between while a target is switched off. */
const SWITCH_OFF_TRIES_MAX = 10;

interface Row {
  id: string;
  at: string;
  changed_by: string;
  because: string;
  targets: string[];
}

/** Every version of the list, newest first; that one holds, and where there is none DEFAULT_TARGETS. */
export async function targetVersions(clickhouse: ClickHouse, limit = VERSIONS_MAX): Promise<TargetsVersion[]> {
  const rows = await clickhouse.query<Row>(
    `SELECT change_id AS id, toUnixTimestamp64Milli(changed_at) AS at, changed_by, because, targets
     FROM alert_targets
     ORDER BY changed_at DESC, change_id DESC
     LIMIT {limit:UInt32}`,
    { limit },
  );
  return rows.map(({ id, at, changed_by, because, targets }) => ({
    id,
    changedAt: Number(at),
    changedBy: changed_by,
    because,
    targets: targets.map((target) => alertTarget.parse(JSON.parse(target))),
  }));
}

/** The targets that hold now. */
export async function currentTargets(clickhouse: ClickHouse): Promise<readonly AlertTarget[]> {
  const [newest] = await targetVersions(clickhouse, 1);
  return newest?.targets ?? DEFAULT_TARGETS;
}

/**
 * From now on these targets hold. Throws `VERSION_OVERTAKEN` when another change came since the one that this was made from.
 * What waits for a target that is left out or switched off becomes undeliverable; a new target is told of what comes.
 */
export async function changeTargets(
  clickhouse: ClickHouse,
  { now, by, because, targets, replaces }: TargetsChange,
): Promise<void> {
  const [newest] = await targetVersions(clickhouse, 1);
  if (replaces !== undefined && replaces !== (newest?.id ?? null)) {
    const message = `the targets of alerts were changed in between, by ${newest?.changedBy ?? 'nobody'}`;
    throw new TallyError(message, { code: 'VERSION_OVERTAKEN', retriable: false });
  }
  await clickhouse.insert('alert_targets', [
    {
      // After the newest, also when this machine's clock is behind the one that made that.
      changed_at: dateTime64(Math.max(now, (newest?.changedAt ?? 0) + 1)),
      change_id: randomUUID(),
      changed_by: by,
      because,
      targets: targets.map((target) => JSON.stringify(target)),
    },
  ]);
}

/** Switches a target off, unless somebody has changed it meanwhile. */
export async function switchOffTarget(
  clickhouse: ClickHouse,
  { target, now, because }: { target: AlertTarget; now: number; because: string },
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const [newest] = await targetVersions(clickhouse, 1);
    const found = newest?.targets.find(({ id }) => id === target.id);
    if (!newest || JSON.stringify(found) !== JSON.stringify(target)) return;
    const targets = newest.targets.map((one) => (one.id === target.id ? { ...one, enabled: false } : one));
    try {
      await changeTargets(clickhouse, { now, by: 'notifier', because, targets, replaces: newest.id });
      return;
    } catch (error) {
      const overtaken = error instanceof TallyError && error.code === 'VERSION_OVERTAKEN';
      if (!overtaken || tries === SWITCH_OFF_TRIES_MAX) throw error;
    }
  }
}
