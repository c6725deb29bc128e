/**
 * Events for an installation and what must come of them, and its figures as an outsider reads them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** Where an installation is reached. */
export interface Address {
  gateway: string;
  api: string;
  adminKey: string;
}

const TENANTS = ['contoso', 'fabrikam', 'northwind'] as const;
const CHANNELS = ['email', 'sms', 'push'] as const;
const BATCH_EVENTS = 250;
/** Every so many events one is sent once more. */
const REPEATED_EVERY = 10;
const CAUGHT_UP_MS_MAX = 120_000;
const POLL_MS = 250;

const message = z.object({ accepted: z.number() });
const ledgerAnswer = z.object({ balanced: z.boolean(), lag: z.coerce.number() });

/** The example of the README, sent twice; its tenant is in no other traffic. */
export async function sendFirstEvent(at: Address): Promise<number[]> {
  const event = {
    specversion: '1.0',
    type: 'tally.interaction.v1',
    source: '/readme',
    id: 'welcome-1',
    time: new Date(Date.now() - 60_000).toISOString(),
    data: { tenantId: 'readme', environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel: 'email' },
  };
  const statuses: number[] = [];
  for (let time = 0; time < 2; time++) statuses.push((await post(at, 'cloudevents+json', event)).status);
  return statuses;
}

/** Sends so many interactions of the last 90 days, some of them twice; returns the interactions of each tenant. */
export async function sendTraffic(at: Address, events: number): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  const all = Array.from({ length: events }, (_, index) => {
    const tenantId = TENANTS[index % TENANTS.length] ?? '';
    counted[tenantId] = (counted[tenantId] ?? 0) + 1;
    return {
      specversion: '1.0',
      type: 'tally.interaction.v1',
      source: '/containers',
      id: `event-${index}`,
      time: new Date(Date.now() - ((index * 7_919) % 90) * 86_400_000 - 60_000).toISOString(),
      data: {
        tenantId,
        environmentId: 'prod',
        entityType: 'contact',
        entityId: `c-${index % 311}`,
        channel: CHANNELS[index % CHANNELS.length],
      },
    };
  });
  const sent = [...all, ...all.filter((_, index) => index % REPEATED_EVERY === 0)];
  for (let from = 0; from < sent.length; from += BATCH_EVENTS) {
    const batch = sent.slice(from, from + BATCH_EVENTS);
    const { status, body } = await post(at, 'cloudevents-batch+json', batch);
    if (status !== 202 || message.parse(body).accepted !== batch.length) {
      throw new Error(`the gateway answered ${status}: ${JSON.stringify(body).slice(0, 500)}`);
    }
  }
  return counted;
}

/** Resolves when everything that is in the log has its outcome; throws when that takes two minutes. */
export async function caughtUp(at: Address): Promise<void> {
  for (const deadline = Date.now() + CAUGHT_UP_MS_MAX; ; await sleep(POLL_MS)) {
    const { balanced, lag } = ledgerAnswer.parse(await ask(at, '/v1/ledger'));
    if (balanced && lag === 0) return;
    if (Date.now() > deadline) throw new Error(`the ledger is not balanced after two minutes: lag ${lag}`);
  }
}

export interface Figures {
  /** Interactions of each tenant, all months. */
  totals: Record<string, number>;
  /** Every figure that the api tells of the tenants, without what says how fresh it is. */
  all: unknown;
}

export async function figuresOf(at: Address): Promise<Figures> {
  const { tenants } = z
    .object({ tenants: z.array(z.object({ tenantId: z.string() })) })
    .parse(await ask(at, '/v1/tenants'));
  const totals: Record<string, number> = {};
  const all: Record<string, unknown> = {};
  for (const { tenantId } of tenants) {
    const { months } = z
      .object({ months: z.array(z.looseObject({ total: z.number() })) })
      .parse(await ask(at, `/v1/tenants/${tenantId}/interactions`));
    const engaged = z.looseObject({ asOf: z.unknown() }).parse(await ask(at, `/v1/tenants/${tenantId}/engaged`));
    totals[tenantId] = months.reduce((sum, { total }) => sum + total, 0);
    all[tenantId] = { months, engaged: { ...engaged, asOf: undefined } };
  }
  return { totals, all };
}

async function ask({ api, adminKey }: Address, path: string): Promise<unknown> {
  const response = await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${adminKey}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function post(
  { gateway, adminKey }: Address,
  type: string,
  body: object,
): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': `application/${type}` };
  const response = await fetch(`${gateway}/v1/events`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}
