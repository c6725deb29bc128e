/**
 * One look at everything: what is observed, held against the rules, becomes changes of alerts. It may be repeated at any
 * time, and two at once decide the same: changes have the ids that follow from what is stored.
 */
import {
  type AlertChange,
  findingsOf,
  isTold,
  nextChanges,
  type Observation,
  type OperatorObservation,
  rulesInForce,
  type Suppressions,
  tellable,
} from '@tally/alerts';
import { acknowledgements, ownRules, silences } from './decisions.ts';
import { observePipeline, type PipelineSources } from './pipeline.ts';
import { type StoredAlert, storeChanges, storedAlerts } from './stored.ts';
import { observeTenants } from './tenants.ts';

/** Operators have no tenant's id. */
export const OPERATORS = '';

/** Tenants observed and decided on together. */
const TENANTS_PER_BATCH = 250;

export interface WatchResult {
  tenants: number;
  changes: number;
  /** Of those, and of earlier ones that a silence kept back: how many are told now. */
  told: number;
}

export interface WatchOptions extends PipelineSources {
  tenants: readonly string[];
  now: number;
  withLedger: boolean;
  /** Told what is seen of the pipeline. */
  onObserved?: (pipeline: OperatorObservation) => void;
  /** For tests that end the process between two steps. */
  checkpoint?: (place: WatchCheckpoint) => Promise<void>;
}

export const WATCH_CHECKPOINTS = ['observed', 'decided', 'stored'] as const;
export type WatchCheckpoint = (typeof WATCH_CHECKPOINTS)[number];

/** Throws what ClickHouse throws; what was stored by then stays, and the next look goes on. */
export async function watch(options: WatchOptions): Promise<WatchResult> {
  const { clickhouse, tenants, now, withLedger } = options;
  const result: WatchResult = { tenants: tenants.length, changes: 0, told: 0 };
  const pipeline = await observePipeline(options, { now, withLedger });
  options.onObserved?.(pipeline);
  await decide(options, new Map([[OPERATORS, pipeline]]), result);
  for (let at = 0; at < tenants.length; at += TENANTS_PER_BATCH) {
    const batch = tenants.slice(at, at + TENANTS_PER_BATCH);
    const seen = await observeTenants(clickhouse, { tenants: batch, now });
    await decide(options, new Map(seen.map((one) => [one.tenantId, one])), result);
  }
  return result;
}

async function decide(
  { clickhouse, now, checkpoint }: WatchOptions,
  observed: ReadonlyMap<string, Observation>,
  result: WatchResult,
): Promise<void> {
  await checkpoint?.('observed');
  const tenants = [...observed.keys()];
  const [known, rules, acks, quiet] = await Promise.all([
    storedAlerts(clickhouse, { tenants, now }),
    ownRules(clickhouse, tenants),
    acknowledgements(clickhouse, tenants),
    silences(clickhouse, tenants),
  ]);
  const toStore: { change: AlertChange; told: boolean }[] = [];
  for (const [tenantId, seen] of observed) {
    const inForce = rulesInForce(rules.get(tenantId)?.rules, tenantId === OPERATORS ? 'operator' : 'tenant');
    const alerts = known.get(tenantId) ?? [];
    const changes = nextChanges(alerts, findingsOf(inForce, seen), { now, rules: inForce });
    result.changes += changes.length;
    const suppressions: Suppressions = {
      acks: acks.get(tenantId) ?? [],
      silences: (quiet.get(tenantId) ?? []).map(({ silence }) => silence),
      now,
    };
    toStore.push(...toldNow(alerts, changes, suppressions));
  }
  result.told += toStore.filter(({ told }) => told).length;
  await checkpoint?.('decided');
  await storeChanges(clickhouse, toStore);
  await checkpoint?.('stored');
}

/** The new changes, told or not; and older ones that were kept back, and are kept back no more. */
function toldNow(
  alerts: readonly StoredAlert[],
  changes: readonly AlertChange[],
  suppressions: Suppressions,
): { change: AlertChange; told: boolean }[] {
  const changed = new Set(changes.map(({ alert }) => alert.id));
  const everTold = new Set(alerts.filter((one) => one.everTold).map(({ alert }) => alert.id));
  const fresh = changes.map((change) => {
    // Who never heard of an alert need not hear that it is over.
    const unheardOf = change.change === 'resolved' && !everTold.has(change.alert.id);
    return { change, told: !unheardOf && isTold(change, suppressions) };
  });
  const older = tellable(
    alerts.filter(({ alert }) => !changed.has(alert.id)),
    suppressions,
  );
  return [...fresh, ...older.map((change) => ({ change, told: true }))];
}
