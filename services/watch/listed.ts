/**
 * Alerts with what was decided about them, for people.
 */
import type { Acknowledgement, Alert, AlertChange } from '@tally/alerts';
import { alertChange } from '@tally/alerts';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { acknowledgements, type StoredSilence, silences } from './decisions.ts';

export interface ListedChange extends Pick<AlertChange, 'id' | 'change' | 'at'> {
  severity: Alert['severity'];
  title: string;
  /** False while a silence or an acknowledgement keeps it back. */
  told: boolean;
}

export interface ListedAlert extends Alert {
  acknowledgements: Acknowledgement[];
  /** Newest first. */
  changes: ListedChange[];
}

export interface AlertList {
  /** Open ones first, then by their newest change. */
  alerts: ListedAlert[];
  /** Those that have not ended. */
  silences: (StoredSilence['silence'] & { id: string })[];
  /** For the next page; null on the last. */
  next: string | null;
}

export interface AlertsAsked {
  /** Undefined: of the operators and of all tenants. */
  tenantId?: string | undefined;
  /** Of these alone, where no one tenant is named. */
  tenants?: readonly string[] | undefined;
  state?: 'open' | 'resolved' | undefined;
  limit: number;
  /** The `next` of the page before. */
  after?: string | undefined;
  now: number;
}

const CHANGES_PER_ALERT_MAX = 50;

const ALERTS = `
  SELECT
    tenant_id, alert_id, toString(max(is_open)) AS open, toUnixTimestamp64Milli(max(at)) AS last_at,
    max(last_at) OVER () AS newest
  FROM
  (
    SELECT tenant_id, alert_id, at, row_number() OVER (PARTITION BY alert_id ORDER BY sequence DESC) = 1
      AND JSONExtractString(document, 'alert', 'state') = 'open' AS is_open
    FROM
    (
      SELECT *, toUInt32OrZero(splitByChar('-', change_id)[2]) AS sequence
      FROM alert_changes
      WHERE ({all:Bool} OR tenant_id IN {tenants:Array(String)}) AND NOT startsWith(change_id, 'test-')
        AND at <= fromUnixTimestamp64Milli({upTo:Int64})
    )
  )
  GROUP BY tenant_id, alert_id
  HAVING {state:String} = '' OR open = {open:String}
  ORDER BY open DESC, last_at DESC, alert_id
  LIMIT {limit:UInt32} OFFSET {offset:UInt32}`;

const CHANGES = `
  SELECT alert_id, document, max(told) AS was_told
  FROM alert_changes
  WHERE alert_id IN {alerts:Array(String)}
  GROUP BY alert_id, change_id, document
  ORDER BY alert_id, toUInt32OrZero(splitByChar('-', change_id)[2]) DESC
  LIMIT ${CHANGES_PER_ALERT_MAX} BY alert_id`;

/** All pages are of the changes up to the first one's newest, so that what changes meanwhile moves nothing. */
const CURSOR = /^(\d{1,15})\.(\d{1,9})$/;
/** 2200-01-01, later than every change. */
const UP_TO_MAX = 7_258_118_400_000;

export function isAlertsCursor(text: string): boolean {
  return CURSOR.test(text);
}

function pageAfter(cursor: string | undefined): { upTo: number; offset: number } {
  const [, upTo = UP_TO_MAX, offset = 0] = CURSOR.exec(cursor ?? '') ?? [];
  return { upTo: Number(upTo), offset: Number(offset) };
}

/** A page of alerts. */
export async function listAlerts(clickhouse: ClickHouse, asked: AlertsAsked): Promise<AlertList> {
  const { tenantId, state, limit, after, now } = asked;
  const among = tenantId === undefined ? asked.tenants : [tenantId];
  const { upTo, offset } = pageAfter(after);
  const found = await clickhouse.query<{ tenant_id: string; alert_id: string; newest: string }>(ALERTS, {
    all: among === undefined,
    tenants: among ?? [],
    state: state ?? '',
    open: state === 'open' ? '1' : '0',
    limit: limit + 1,
    upTo,
    offset,
  });
  const page = found.slice(0, limit);
  const tenants = among ?? [...new Set(page.map((row) => row.tenant_id))];
  const [changes, acks, quiet] = await Promise.all([
    changesOf(
      clickhouse,
      page.map(({ alert_id }) => alert_id),
    ),
    acknowledgements(clickhouse, tenants),
    silences(clickhouse, tenants),
  ]);
  const at = new Date(now).toISOString();
  return {
    alerts: page.flatMap(({ tenant_id, alert_id }) => {
      const own = changes.get(alert_id) ?? [];
      const [newest] = own;
      if (!newest) return [];
      return [
        {
          ...newest.alert,
          acknowledgements: (acks.get(tenant_id) ?? []).filter((one) => one.alertId === alert_id),
          changes: own.map(({ listed }) => listed),
        },
      ];
    }),
    silences: [...quiet.values()]
      .flat()
      .filter(({ silence }) => silence.until > at)
      .map(({ id, silence }) => ({ id, ...silence })),
    next: found.length > limit ? `${found[0]?.newest}.${offset + limit}` : null,
  };
}

async function changesOf(
  clickhouse: ClickHouse,
  alerts: readonly string[],
): Promise<Map<string, { alert: Alert; listed: ListedChange }[]>> {
  if (alerts.length === 0) return new Map();
  const rows = await clickhouse.query<{ alert_id: string; document: string; was_told: number }>(CHANGES, {
    alerts: [...alerts],
  });
  const changes = rows.map((row) => ({ ...row, change: alertChange.parse(JSON.parse(row.document)) }));
  const byAlert = new Map<string, { alert: Alert; listed: ListedChange }[]>();
  for (const { alert_id, change, was_told } of changes) {
    const { id, alert, at } = change;
    const listed: ListedChange = {
      id,
      change: change.change,
      at,
      severity: alert.severity,
      title: alert.title,
      told: was_told === 1,
    };
    byAlert.set(alert_id, [...(byAlert.get(alert_id) ?? []), { alert, listed }]);
  }
  return byAlert;
}
