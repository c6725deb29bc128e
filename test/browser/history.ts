/**
 * A year and more of three customers for the dashboard: one with plenty, one about to run out, one over. It ends today,
 * whichever day that is.
 */
import { changeEnvironments, changeLicences } from '@tally/figures';
import { addToMonth, type Day, dayOf, dayOfMonth, daysIn, firstDayOf, type Month, monthOf } from '@tally/metering';
import { createLog } from '@tally/platform/log';
import { issueStatement } from '@tally/statements';
import { lookForAlerts } from '@tally/watch';
import { keyOf } from '../support/keys.ts';
import { statementSources } from '../support/play-scenario.ts';
import type { TestSystem } from '../support/system.ts';

interface Customer {
  tenantId: string;
  /** Engaged people at the end, who join bit by bit over the year. */
  people: number;
  /** Interactions of each in a month. */
  each: number;
  ownedPeople: number;
  ownedUnified: number;
}

export const PLENTY = 'contoso';
export const NEARLY = 'fabrikam';
export const OVER = 'northwind';

const CUSTOMERS: readonly Customer[] = [
  { tenantId: PLENTY, people: 180, each: 4, ownedPeople: 400, ownedUnified: 500 },
  { tenantId: NEARLY, people: 116, each: 6, ownedPeople: 120, ownedUnified: 160 },
  { tenantId: OVER, people: 113, each: 9, ownedPeople: 100, ownedUnified: 120 },
];
const MONTHS = 14;
const STATED_MONTHS = 3;
/** Alerts are looked for at the end of so many. */
const WATCHED_MONTHS = 4;
const MS_PER_DAY = 86_400_000;
const HALF_PAST_MIDNIGHT_MS = 1_800_000;
const CHANNELS = ['email', 'email', 'email', 'email', 'sms', 'sms', 'push', 'form_submission', 'voice'] as const;
const ENVIRONMENTS = ['prod', 'prod', 'prod', 'prod', 'sandbox', 'dev'] as const;
const log = createLog('test', 'silent');

/** Sends it month by month, each with its figures, statements and alerts at its end. A consumer must be running. */
export async function playHistory(system: TestSystem): Promise<void> {
  const now = Date.now();
  const today = dayOf(now);
  const first = addToMonth(monthOf(today), 1 - MONTHS);
  for (const customer of CUSTOMERS) await license(system, customer, firstDayOf(first));
  const producer = system.producer();
  for (let index = 0; index < MONTHS; index++) {
    const month = addToMonth(first, index);
    const sends = CUSTOMERS.flatMap((customer) => [
      ...interactionsOf(customer, { month, index, today }).map((one) => producer.send(one)),
      ...profilesOf(customer, index).map((one) => producer.profile(one)),
    ]);
    await Promise.all(sends);
    await system.caughtUp();
    const endsAt = Date.parse(`${firstDayOf(addToMonth(month, 1))}T00:00:00Z`) - HALF_PAST_MIDNIGHT_MS;
    await publish(system, Math.min(now, endsAt), { withAlerts: index >= MONTHS - WATCHED_MONTHS });
  }
  await refuse(system);
  for (const { tenantId } of CUSTOMERS) {
    for (let back = STATED_MONTHS + 1; back > 1; back--) {
      const month = addToMonth(monthOf(today), 1 - back);
      await issueStatement(statementSources(system, now), { tenantId, month, by: 'schedule' });
    }
  }
  await publish(system, Date.now(), { withAlerts: true });
}

async function publish(system: TestSystem, at: number, { withAlerts }: { withAlerts: boolean }): Promise<void> {
  await system.aggregate(() => at);
  if (!withAlerts) return;
  const { clickhouse, admin, groupId, topics } = system;
  await lookForAlerts({ clickhouse, admin, groupId, topics, graceDays: 3, log, clock: () => at });
}

async function license({ clickhouse }: TestSystem, customer: Customer, startsOn: Day): Promise<void> {
  const { tenantId, ownedPeople, ownedUnified } = customer;
  const because = 'the contract';
  const change = { tenantId, now: Date.now(), by: 'sales', because };
  await changeLicences(clickhouse, {
    ...change,
    lines: [
      { sku: 'ci-interacted-people-t1', quantity: 1, packSize: ownedPeople, startsOn, endsOn: null },
      { sku: 'ci-unified-people', quantity: 1, packSize: ownedUnified, startsOn, endsOn: null },
      { sku: 'ci-sending-burst-500k', quantity: 1, startsOn, endsOn: null },
      { sku: 'trial', quantity: 1, packSize: 50, startsOn, endsOn: firstDayOf(addToMonth(monthOf(startsOn), 2)) },
    ],
  });
  await changeEnvironments(clickhouse, {
    ...change,
    lines: [
      { id: 'prod', name: 'Production Europe', type: 'production', geo: 'EU', startsOn, endsOn: null },
      { id: 'sandbox', name: 'Sandbox', type: 'sandbox', geo: 'EU', startsOn, endsOn: null },
    ],
  });
}

/** Nearly half are there from the start, the others join evenly over the months. */
function hasJoined({ people }: Customer, person: number, index: number): boolean {
  return person < people * (0.45 + (0.55 * index) / (MONTHS - 2));
}

function interactionsOf(
  customer: Customer,
  { month, index, today }: { month: Month; index: number; today: Day },
): Parameters<ReturnType<TestSystem['producer']>['send']>[0][] {
  const { tenantId, people, each } = customer;
  const days = month === monthOf(today) ? dayOfMonth(today) : daysIn(month);
  const all = [];
  for (let person = 0; person < people; person++) {
    if (!hasJoined(customer, person, index)) continue;
    const count = Math.round((each * days) / daysIn(month));
    for (let nth = 0; nth < count; nth++) {
      const chance = chanceOf(tenantId, month, person, nth);
      const channel = CHANNELS[chance % CHANNELS.length] ?? 'email';
      all.push({
        schema: 'Interaction' as const,
        value: {
          eventId: `${month}-${nth}`,
          tenantId,
          environmentId: ENVIRONMENTS[person % ENVIRONMENTS.length] ?? 'prod',
          entityType: 'contact' as const,
          entityId: `c-${person}`,
          channel,
          direction: channel === 'form_submission' ? ('inbound' as const) : ('outbound' as const),
          occurredAt: Date.parse(`${firstDayOf(month)}T00:30:00Z`) + ((chance >> 8) % days) * MS_PER_DAY,
          journeyId: null,
          provider: null,
        },
      });
    }
  }
  return all;
}

/** Of those who join in a month: a record each from two sources, with one e-mail address. */
function profilesOf(customer: Customer, index: number): Parameters<ReturnType<TestSystem['producer']>['profile']>[0][] {
  const { tenantId, people } = customer;
  return Array.from({ length: people }, (_, person) => person)
    .filter((person) => hasJoined(customer, person, index) && (index === 0 || !hasJoined(customer, person, index - 1)))
    .flatMap((person) =>
      ['crm', 'shop'].map((source) => ({
        tenantId,
        environmentId: ENVIRONMENTS[person % ENVIRONMENTS.length] ?? 'prod',
        source,
        recordId: `r-${person}`,
        identifiers: [{ kind: 'email', value: `person-${person}@example.org` }],
      })),
    );
}

/** Records that cannot count. */
async function refuse({ sender, topics }: TestSystem): Promise<void> {
  const topic = topics.interactions;
  const key = Buffer.from('contoso/prod/contact/c-1');
  await sender.send([
    ...Array.from({ length: 5 }, (_, nth) => ({ topic, key, value: Buffer.from(`not a datum ${nth}`) })),
    ...Array.from({ length: 3 }, () => ({ topic, key, value: Buffer.alloc(0) })),
  ]);
}

function chanceOf(...names: (string | number)[]): number {
  return Number(BigInt(keyOf(...names)) & 0xffffffn);
}
