/**
 * All checks, in the order in which they are told, and which of them need which.
 */
import { type Check, type Examination, examine, type Looked } from './check.ts';
import {
  checkClickHouse,
  checkDatabase,
  checkKeys,
  checkMigrations,
  checkParts,
  checkSurvival,
  checkTables,
  checkViews,
} from './clickhouse.ts';
import { checkCopies, checkKafka, checkKafkaVersion, checkTopicSettings, checkTopics } from './kafka.ts';
import { checkConsumers, checkLedger, checkLogIdentity } from './log.ts';
import { checkClocks, checkDisks, checkNode } from './machine.ts';
import { checkSettings } from './settings.ts';
import { checkColumns, checkServers, checkShardOrder } from './shards.ts';
import type { DoctorSources } from './sources.ts';
import {
  checkAggregator,
  checkDeadLetters,
  checkExpiry,
  checkNotifier,
  checkStatements,
  observation,
  partOf,
} from './watched.ts';

const REACH_MS_MAX = 12_000;
/** It reads the outcomes of the whole log. */
const LEDGER_MS_MAX = 45_000;

/** Looks at everything, side by side where one thing does not hang on another. Throws nothing that a check can tell. */
export function examineAll(sources: DoctorSources): Promise<Examination> {
  return examine(checksOf(sources), sources);
}

/** The names of all checks. */
export function checkNames(): string[] {
  return ALL.map(([name]) => name);
}

type Look = (sources: DoctorSources, observed: ReturnType<typeof observation>) => Promise<Looked>;
type Row = [
  name: string,
  needs: readonly string[],
  look: Look,
  more?: Pick<Check<DoctorSources>, 'limitMs' | 'onTimeout'>,
];

/** Topics, and the tables that are read beside them. */
const BOTH = ['topics', 'tables'] as const;

const ALL: readonly Row[] = [
  ['node', [], () => checkNode()],
  ['settings', [], async (sources) => checkSettings(sources)],
  ['kafka', ['settings'], checkKafka, { limitMs: REACH_MS_MAX, onTimeout: 'KAFKA_UNREACHABLE' }],
  ['kafka version', ['kafka'], checkKafkaVersion],
  ['topics', ['kafka'], checkTopics],
  ['topic settings', ['topics'], checkTopicSettings],
  ['copies', ['topics'], checkCopies],
  ['clickhouse', ['settings'], checkClickHouse, { limitMs: REACH_MS_MAX, onTimeout: 'CLICKHOUSE_UNREACHABLE' }],
  ['servers', ['clickhouse'], checkServers, { limitMs: REACH_MS_MAX, onTimeout: 'SHARD_UNREACHABLE' }],
  ['database', ['clickhouse'], checkDatabase],
  ['migrations', ['database'], checkMigrations],
  ['shards', ['servers', 'database'], checkShardOrder],
  ['tables', ['shards'], checkTables],
  ['views', ['shards'], checkViews],
  ['columns', ['tables'], checkColumns],
  ['durability', ['shards'], checkSurvival],
  ['keys', ['tables'], checkKeys],
  ['parts', ['shards'], checkParts],
  ['log identity', BOTH, checkLogIdentity],
  ['consumers', BOTH, (sources, observed) => checkConsumers(sources, () => oldestAge(observed))],
  ['expiry', [...BOTH, 'log identity'], async (sources, observed) => checkExpiry(sources, await observed())],
  ['ledger', [...BOTH, 'log identity'], checkLedger, { limitMs: LEDGER_MS_MAX }],
  ['dead letters', BOTH, async (sources, observed) => checkDeadLetters(sources, await observed())],
  ['aggregator', BOTH, async (sources, observed) => checkAggregator(sources, await observed())],
  ['statements', BOTH, async (sources, observed) => checkStatements(sources, await observed())],
  ['notifier', ['tables'], checkNotifier],
  ['disks', ['servers'], checkDisks],
  ['clocks', ['servers', 'topics'], checkClocks],
];

function checksOf(sources: DoctorSources): Check<DoctorSources>[] {
  const observed = observation(sources);
  return ALL.map(([name, needs, look, more]) => ({ name, needs, look: (of) => look(of, observed), ...more }));
}

async function oldestAge(observed: ReturnType<typeof observation>): Promise<number> {
  return Math.max(0, ...partOf(await observed(), 'lag').map(({ oldestAgeSeconds }) => oldestAgeSeconds ?? 0));
}
