/**
 * Alerts as they are stored: every change, the newest of which says how an alert stands. The table is the outbox as well:
 * the notifier tells what is marked as told.
 */
import { type AlertChange, type AlertState, alertChange, sequenceOf } from '@tally/alerts';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';

/** An alert after its newest change, and what was told of it. */
export interface StoredAlert extends AlertState {
  change: AlertChange;
  /** Whether the newest change was, or is to be, told. */
  told: boolean;
  /** Whether any of its changes was. */
  everTold: boolean;
}

/** Longer than any period lasts. */
const DAYS_LOOKED_BACK = 400;
const MS_PER_DAY = 86_400_000;

const NEWEST = `
  SELECT
    tenant_id, argMax((document, told), (sequence, told)) AS newest, max(told) AS ever_told
  FROM
  (
    SELECT tenant_id, alert_id, document, told, toUInt32OrZero(splitByChar('-', change_id)[2]) AS sequence
    FROM alert_changes
    WHERE tenant_id IN {tenants:Array(String)} AND at >= {since:DateTime64(3)} AND NOT startsWith(change_id, 'test-')
  )
  GROUP BY tenant_id, alert_id`;

/** The alerts of each of some tenants (the operators' by the empty text) that changed within the last 400 days. */
export async function storedAlerts(
  clickhouse: ClickHouse,
  { tenants, now }: { tenants: readonly string[]; now: number },
): Promise<Map<string, StoredAlert[]>> {
  const rows = await clickhouse.query<{ tenant_id: string; newest: [string, number]; ever_told: number }>(NEWEST, {
    tenants: [...tenants],
    since: dateTime64(now - DAYS_LOOKED_BACK * MS_PER_DAY),
  });
  const alerts = new Map<string, StoredAlert[]>();
  for (const { tenant_id, newest, ever_told } of rows) {
    const change = alertChange.parse(JSON.parse(newest[0]));
    const own = alerts.get(tenant_id) ?? [];
    own.push({
      change,
      alert: change.alert,
      sequence: sequenceOf(change),
      told: newest[1] === 1,
      everTold: ever_told === 1,
    });
    alerts.set(tenant_id, own);
  }
  return alerts;
}

/** In one insert, so that all of them are there or none is; a change that is there already is one with it. */
export async function storeChanges(
  clickhouse: ClickHouse,
  changes: readonly { change: AlertChange; told: boolean }[],
): Promise<void> {
  if (changes.length === 0) return;
  await clickhouse.insert(
    'alert_changes',
    changes.map(({ change, told }) => ({
      change_id: change.id,
      alert_id: change.alert.id,
      tenant_id: change.alert.tenantId ?? '',
      at: dateTime64(Date.parse(change.at)),
      document: JSON.stringify(change),
      told: told ? 1 : 0,
    })),
  );
}
