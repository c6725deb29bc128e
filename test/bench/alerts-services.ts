/**
 * The services of `tally up` as processes on a bench's servers, with the schedules they have by themselves, and a receiver
 * of webhooks that they deliver to.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf, monthOf } from '@tally/metering';
import { alertTargets, changeTargets } from '@tally/notifier';
import { TallyError } from '@tally/platform/errors';
import { TallyProducer } from '@tally/producer';
import { interaction } from '../support/interaction.ts';
import { type Receipt, startReceiver } from '../support/webhook-receiver.ts';
import { type BenchServices, withServices } from './bench-services.ts';
import { type BenchStack, benchLog } from './bench-stack.ts';

/** The aggregator's own schedule; `tally up` has it run more often. */
const AGGREGATE_CRON = '0 * * * * *';
/** As many as a target may be told. */
const PER_MINUTE = 30_000;
/** Engaged people owned by a tenant, 10 interactions a month each. */
const PEOPLE = 2;
/** Of the 20 owned, those that are 80 %. */
export const CROSSING = 16;
/** Records handed to the producer before it is waited for. */
const SENT_AT_ONCE = 2_000;
const POLL_MS = 200;

export interface AlertServices extends Omit<BenchServices, 'url'> {
  gateway: () => string;
  receipts: readonly Receipt[];
}

/** Stops what was started, whatever happens. */
export async function withAlertServices<Result>(
  bench: BenchStack,
  work: (services: AlertServices) => Promise<Result>,
): Promise<Result> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const receiver = await startReceiver({ secret });
  // As a person would give it to `tally up`.
  process.env['TALLY_TARGET_BENCH'] = secret;
  process.env['TALLY_NOTIFY_PRIVATE_NETWORKS'] = '127.0.0.0/8';
  const target = { id: 'bench', kind: 'webhook', address: receiver.url, secrets: ['env:TALLY_TARGET_BENCH'] };
  await changeTargets(bench.clickhouse, {
    now: Date.now(),
    by: 'bench',
    because: 'a measurement',
    targets: alertTargets.parse([{ ...target, perMinute: PER_MINUTE }]),
  });
  try {
    return await withServices(bench, { aggregateCron: AGGREGATE_CRON }, ({ adminKey, start, url, pid }) =>
      work({ adminKey, start, gateway: () => url('gateway'), pid, receipts: receiver.receipts }),
    );
  } finally {
    await receiver.close();
  }
}

/** Each tenant, and no other begins like them, has so many interactions of one contact; resolves when all are counted. */
export async function sendHistory(
  bench: BenchStack,
  { tenants, prefix, each }: { tenants: readonly string[]; prefix: string; each: number },
): Promise<void> {
  const { clickhouse, stack } = bench;
  const producer = new TallyProducer({ brokers: [stack.kafka], topicPrefix: '', log: benchLog });
  const occurredAt = Date.now() - 60_000;
  const one = (index: number) => ({
    schema: 'Interaction' as const,
    value: interaction({
      tenantId: tenants[index % tenants.length] ?? '',
      eventId: `before-${Math.floor(index / tenants.length)}`,
      occurredAt,
    }),
  });
  const records = tenants.length * each;
  for (let at = 0; at < records; at += SENT_AT_ONCE) {
    const count = Math.min(SENT_AT_ONCE, records - at);
    await Promise.all(Array.from({ length: count }, (_, index) => producer.send(one(at + index))));
  }
  await producer.close();
  await until(`${records} interactions are counted`, 600_000, async () => {
    const { counted } = await clickhouse.queryOne<{ counted: string }>(
      `SELECT count() AS counted FROM interactions
       WHERE startsWith(tenant_id, {prefix:String}) AND startsWith(event_id, 'before-')`,
      { prefix },
    );
    return Number(counted) >= records;
  });
}

/** All tenants buy the same at once, in one insert. */
export async function licenseAll(bench: BenchStack, tenants: readonly string[], at: number): Promise<void> {
  await bench.clickhouse.insert(
    'licences',
    tenants.map((tenantId, index) => ({
      tenant_id: tenantId,
      changed_at: new Date(at).toISOString().replace('T', ' ').replace('Z', ''),
      change_id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      changed_by: 'bench',
      because: '',
      catalogue_version: 1,
      skus: ['ci-interacted-people-t1'],
      quantities: [1],
      pack_sizes: [PEOPLE],
      starts: [`${monthOf(dayOf(at))}-01`],
      ends: [''],
    })),
  );
}

/** Throws `BENCH_STALLED` when it does not hold in time. */
export async function until(what: string, msMax: number, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + msMax; !(await holds()); await sleep(POLL_MS)) {
    if (Date.now() <= deadline) continue;
    throw new TallyError(`not within ${msMax} ms: ${what}`, { code: 'BENCH_STALLED', retriable: false });
  }
}
