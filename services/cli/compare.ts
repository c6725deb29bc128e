/**
 * Every figure of an instance beside the simulator's own truth.
 */
import { outcomeCounts } from '@tally/figures';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin, readTopic } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import type { LicensedTenant, SendAllResult, Truth } from '@tally/simulator';
import type { ApiClient } from './api-client.ts';
import {
  compareLedger,
  compareQuotas,
  compareTrueUps,
  type LedgerRow,
  type QuotaRow,
  type TrueUpRow,
} from './compare-licences.ts';
import { databaseOf, type Instance } from './instance.ts';

/** Questions to the api at the same time. */
const ASKED_AT_ONCE_MAX = 4;

/** One figure, as Tally has it and as it must be. */
export interface Pair {
  tally: number;
  truth: number;
}

export interface Comparison {
  months: { tenantId: string; month: string; day: string; interactions: Pair; engaged: Pair }[];
  unified: { tenantId: string; people: Pair; records: Pair }[];
  outcomes: { outcome: string; positions: Pair }[];
  deadLetters: { reason: string; records: Pair }[];
  quotas: QuotaRow[];
  trueUps: TrueUpRow[];
  ledger: LedgerRow[];
  /** In words: figures and breakdowns that differ, and answers that should not have been. */
  differences: string[];
}

export interface Compared {
  truth: Truth;
  result: SendAllResult;
  /** The simulation's last moment. */
  until: Date;
  /** Tenants with licences. */
  licensed: readonly LicensedTenant[];
  /** The UTC day on which sending began. */
  today: string;
}

/** Asks the api for every tenant, month and meter, and for the quotas and true-ups of tenants with licences. */
export async function compare(instance: Instance, api: ApiClient, compared: Compared): Promise<Comparison> {
  const { truth, result, until } = compared;
  const comparison: Comparison = {
    months: [],
    unified: [],
    outcomes: [],
    deadLetters: [],
    quotas: [],
    trueUps: [],
    ledger: [],
    differences: [],
  };
  const differ = (what: string, tally: unknown, wanted: unknown): void => {
    const [is, mustBe] = [stable(tally), stable(wanted)];
    if (is !== mustBe) comparison.differences.push(`${what}: Tally ${is}, truth ${mustBe}`);
  };
  const months = lastMonths(until, 14);
  await compareInteractions(api, truth, months, comparison, differ);
  await compareEngaged(api, truth, until, comparison, differ);
  await compareUnified(api, truth, comparison, differ);
  await compareOutcomes(instance, truth, result, comparison, differ);
  comparison.quotas = await compareQuotas(api, compared, differ);
  comparison.trueUps = await compareTrueUps(api, compared, differ);
  comparison.ledger = await compareLedger(api, compared, differ);
  comparison.differences.push(...result.surprises);
  return comparison;
}

/** Notes what differs, if anything does. */
export type Differ = (what: string, tally: unknown, wanted: unknown) => void;

async function compareInteractions(
  api: ApiClient,
  truth: Truth,
  months: readonly string[],
  comparison: Comparison,
  differ: Differ,
): Promise<void> {
  const expected = truth.interactions();
  for (const tenantId of truth.tenants()) {
    const answer = await api.interactions(tenantId, { from: months[0] ?? '', to: months.at(-1) ?? '' });
    for (const { month, total, byChannel, byEnvironment } of answer.months) {
      const wanted = expected.get(tenantId)?.get(month) ?? { total: 0, byChannel: {}, byEnvironment: {} };
      comparison.months.push({
        tenantId,
        month,
        day: '',
        interactions: { tally: total, truth: wanted.total },
        engaged: { tally: 0, truth: 0 },
      });
      differ(`interactions of ${tenantId} in ${month}`, { total, byChannel, byEnvironment }, wanted);
    }
  }
}

async function compareEngaged(
  api: ApiClient,
  truth: Truth,
  until: Date,
  comparison: Comparison,
  differ: Differ,
): Promise<void> {
  const lastDay = until.toISOString().slice(0, 10);
  const expected = new Map<string, ReturnType<Truth['engaged']>>();
  const compareRow = async (row: Comparison['months'][number]): Promise<void> => {
    row.day = row.month === lastDay.slice(0, 7) ? lastDay : lastDayOf(row.month);
    const people = expected.get(row.day) ?? truth.engaged(row.day);
    expected.set(row.day, people);
    const wanted = people.get(row.tenantId) ?? { total: 0, byEnvironment: {}, byEntityType: {} };
    const { total, byEnvironment, byEntityType } = await api.engaged(row.tenantId, { asOf: row.day });
    row.engaged = { tally: total, truth: wanted.total };
    differ(`engaged people of ${row.tenantId} on ${row.day}`, { total, byEnvironment, byEntityType }, wanted);
  };
  for (let at = 0; at < comparison.months.length; at += ASKED_AT_ONCE_MAX) {
    await Promise.all(comparison.months.slice(at, at + ASKED_AT_ONCE_MAX).map(compareRow));
  }
}

async function compareUnified(api: ApiClient, truth: Truth, comparison: Comparison, differ: Differ): Promise<void> {
  const expected = truth.unified();
  for (const tenantId of truth.tenants()) {
    const wanted = expected.get(tenantId) ?? { total: 0, byEnvironment: {}, records: 0 };
    const { total, byEnvironment, records } = await api.unified(tenantId);
    comparison.unified.push({
      tenantId,
      people: { tally: total, truth: wanted.total },
      records: { tally: records, truth: wanted.records },
    });
    differ(`unified people of ${tenantId}`, { total, byEnvironment, records }, wanted);
  }
}

async function compareOutcomes(
  instance: Instance,
  truth: Truth,
  result: SendAllResult,
  comparison: Comparison,
  differ: Differ,
): Promise<void> {
  const clickhouse = new ClickHouse(databaseOf(instance));
  const counted = await outcomeCounts(clickhouse, topicNames().interactions);
  await clickhouse.close();
  const { deadLetter, ...others } = truth.outcomes();
  for (const [outcome, wanted] of Object.entries({ ...others, 'dead-letter': deadLetter })) {
    const positions = { tally: counted[outcome as keyof typeof counted] ?? 0, truth: wanted };
    comparison.outcomes.push({ outcome, positions });
    // A request repeated after an unclear failure may have left a duplicate that the truth cannot know of.
    if (outcome === 'duplicate' && result.uncertainRetries > 0) continue;
    differ(`log positions that are ${outcome}`, positions.tally, positions.truth);
  }
  const found = await deadLettersByReason(instance);
  const wanted = truth.deadLetters();
  for (const reason of new Set([...found.keys(), ...wanted.keys()])) {
    const records = { tally: found.get(reason) ?? 0, truth: wanted.get(reason as never) ?? 0 };
    comparison.deadLetters.push({ reason, records });
    differ(`dead letters because of ${reason}`, records.tally, records.truth);
  }
  differ('events the gateway refused', result.refused, truth.refused());
}

/** A crash may send a dead letter again; its origin tells that it is the same. */
async function deadLettersByReason(instance: Instance): Promise<Map<string, number>> {
  const log = createLog('tally', 'error');
  const kafka = createKafka({ brokers: [instance.kafka], clientId: 'tally-cli', log });
  const admin = new KafkaAdmin(kafka);
  const origins = new Map<string, string>();
  await readTopic({ kafka, admin }, topicNames().deadLetters, ({ headers }) => {
    const { topic, epoch, partition, offset, reason } = headers;
    origins.set(`${topic}/${epoch}/${partition}/${offset}`, reason ?? '');
  });
  await admin.close();
  const counts = new Map<string, number>();
  for (const reason of origins.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

function lastMonths(until: Date, months: number): string[] {
  return Array.from({ length: months }, (_, index) =>
    new Date(Date.UTC(until.getUTCFullYear(), until.getUTCMonth() - (months - 1) + index, 1)).toISOString().slice(0, 7),
  );
}

function lastDayOf(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
}

/** Equal objects give equal text; zero counts are as good as absent ones. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(([name, one]) => one !== 0 || name === 'total' || name === 'records');
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
