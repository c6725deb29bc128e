/**
 * Pages of alerts while alerts open and change between them.
 */
import type { AlertChange } from '@tally/alerts';
import { dateTime64 } from '@tally/platform/clickhouse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AskApi, freshTenant, TestSystem } from '../support/system.ts';

const ALERTS = 7;
const LIMIT = 2;
const MS_PER_MINUTE = 60_000;
const BEGIN = Date.parse('2026-11-20T00:00:00Z');

let system: TestSystem;
let ask: AskApi;
let tenantId: string;

beforeAll(async () => {
  system = await TestSystem.create('alert_pages');
  ask = await system.api();
  tenantId = freshTenant('pages');
});

afterAll(() => system.close());

const idOf = (index: number): string => index.toString(16).padStart(32, '0');

/** The sequence is the change's number of its alert. */
async function change(index: number, sequence: number, minute: number, kind: 'opened' | 'resolved'): Promise<void> {
  const at = BEGIN + minute * MS_PER_MINUTE;
  const moment = new Date(at).toISOString();
  const changed: AlertChange = {
    id: `${idOf(index)}-${sequence}`,
    change: kind,
    at: moment,
    alert: {
      id: idOf(index),
      tenantId,
      rule: 'quota-share-engaged',
      subject: 'engaged',
      period: '2026-01-01',
      state: kind === 'opened' ? 'open' : 'resolved',
      severity: 'warning',
      highestSeverity: 'warning',
      openedAt: moment,
      resolvedAt: null,
      value: 1,
      threshold: 1,
      unit: 'share',
      title: 'T',
      detail: 'D',
      figures: {},
    },
  };
  const row = { change_id: changed.id, alert_id: idOf(index), tenant_id: tenantId, at: dateTime64(at), told: 1 };
  await system.clickhouse.insert('alert_changes', [{ ...row, document: JSON.stringify(changed) }]);
}

async function page(after?: string): Promise<{ ids: string[]; next: string | null }> {
  const from = after === undefined ? '' : `&after=${after}`;
  const { status, body } = await ask(`/v1/tenants/${tenantId}/alerts?limit=${LIMIT}${from}`);
  expect(status).toBe(200);
  const { alerts, next } = body as { alerts: { id: string }[]; next: string | null };
  return { ids: alerts.map(({ id }) => id), next };
}

it('have each alert once, newest first, whatever opens and changes while they are read', async () => {
  for (let index = 1; index <= ALERTS; index++) await change(index, 1, index, 'opened');
  const seen: string[] = [];
  let next: string | null | undefined;
  for (let read = 0; next !== null; read++) {
    const { ids, next: following } = await page(next);
    seen.push(...ids);
    next = following;
    // One is opened, which moves all others back; one that is not read yet changes, which would move it to the front.
    await change(100 + read, 1, 60 + read, 'opened');
    if (read === 0) await change(1, 2, 61, 'resolved');
  }
  expect(seen).toEqual(Array.from({ length: ALERTS }, (_, index) => idOf(ALERTS - index)));
  // From the start, what has come since is there.
  expect((await page()).ids).toEqual([idOf(103), idOf(102)]);
});

it.each(['5', 'x', '1.x', '1.2.3', ''])('refuse %j as a cursor', async (after) => {
  const { status } = await ask(`/v1/tenants/${tenantId}/alerts?after=${after}`);
  expect(status).toBe(400);
});
