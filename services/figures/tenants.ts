/**
 * Who there is, and what changed: tenants and environments with the last position that concerned them, and the days that
 * changed since.
 */
import type { Day, Month } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';

/** `topic/partition` → the offset up to which everything is written. */
export type Positions = Record<string, number>;

export interface ActiveEnvironment {
  tenantId: string;
  environmentId: string;
  /** Whether the last change was a profile record or an event. */
  topic: string;
  epoch: number;
  partition: number;
  /** Offset of the last change in this epoch. */
  last: number;
}

const ACTIVITY = `
  SELECT
    tenant_id, environment_id, topic, epoch, partition, bitAnd(max(activity.last), 0xFFFFFFFFFF) AS last
  FROM activity
  GLOBAL INNER JOIN (SELECT epoch, any(logs.topic) AS topic FROM logs GROUP BY epoch) AS epochs USING (epoch)
  GROUP BY tenant_id, environment_id, topic, epoch, partition
  ORDER BY tenant_id, environment_id`;

/** Every environment's last change, per epoch and partition. */
export async function activeEnvironments(clickhouse: ClickHouse): Promise<ActiveEnvironment[]> {
  const rows = await clickhouse.query<{
    tenant_id: string;
    environment_id: string;
    topic: string;
    epoch: number;
    partition: number;
    last: string;
  }>(ACTIVITY);
  return rows.map(({ tenant_id, environment_id, topic, epoch, partition, last }) => ({
    tenantId: tenant_id,
    environmentId: environment_id,
    topic,
    epoch,
    partition,
    last: Number(last),
  }));
}

/** A topic's newest epoch. */
export type Epochs = Record<string, number>;

export async function newestEpochs(clickhouse: ClickHouse): Promise<Epochs> {
  const rows = await clickhouse.query<{ topic: string; newest: number }>(
    'SELECT topic, max(epoch) AS newest FROM logs GROUP BY topic ORDER BY topic',
  );
  return Object.fromEntries(rows.map(({ topic, newest }) => [topic, newest]));
}

/** The first offset that has not been seen, in one partition of an epoch. */
export interface Unseen {
  epoch: number;
  partition: number;
  offset: number;
}

export interface TenantDays {
  /** Of the tenant's first interaction. */
  first: Day;
  /** All that have an interaction, ascending. */
  months: Month[];
  /** The first day and the months on which something is new; undefined and none where nothing is. */
  changedFrom: Day | undefined;
  changedMonths: Month[];
}

const DAYS = `
  SELECT
    tenant_id, min(day) AS first, groupUniqArray(toStartOfMonth(day)) AS months,
    minIf(day, unseen) AS changed_from, groupUniqArrayIf(toStartOfMonth(day), unseen) AS changed_months
  FROM
  (
    SELECT
      tenant_id, day,
      bitAnd(last, 0xFFFFFFFFFF) >=
        transform(bitShiftRight(last, 40), {places:Array(UInt64)}, {offsets:Array(UInt64)}, toUInt64(0)) AS unseen
    FROM activity_days
    WHERE tenant_id IN {tenants:Array(String)}
  )
  GROUP BY tenant_id`;

/** No epoch is numbered 0, so that no position is there; an empty list would have no type. */
const NOWHERE: Unseen = { epoch: 0, partition: 0, offset: 0 };

/**
 * Which days of tenants have changed. Tenants that never had an interaction are absent.
 * @param unseen where what is new begins; in other places all of it is new
 */
export async function tenantDays(
  clickhouse: ClickHouse,
  { tenants, unseen }: { tenants: readonly string[]; unseen: readonly Unseen[] },
): Promise<Map<string, TenantDays>> {
  if (tenants.length === 0) return new Map();
  const places = [NOWHERE, ...unseen];
  const rows = await clickhouse.query<{
    tenant_id: string;
    first: string;
    months: string[];
    changed_from: string;
    changed_months: string[];
  }>(DAYS, {
    tenants: [...tenants],
    places: places.map(({ epoch, partition }) => epoch * 2 ** 16 + partition),
    offsets: places.map(({ offset }) => offset),
  });
  return new Map(
    rows.map(({ tenant_id, first, months, changed_from, changed_months }) => [
      tenant_id,
      {
        first,
        months: monthsAscending(months),
        changedFrom: changed_months.length === 0 ? undefined : changed_from,
        changedMonths: monthsAscending(changed_months),
      },
    ]),
  );
}

function monthsAscending(firstDays: readonly string[]): Month[] {
  return firstDays.map((day) => day.slice(0, 7)).sort();
}

/** All tenants that ever had a counted record, in the order of their ids. */
export async function knownTenants(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ tenant_id: string }>(
    'SELECT DISTINCT tenant_id FROM activity ORDER BY tenant_id',
  );
  return rows.map(({ tenant_id }) => tenant_id);
}

/** Tenants of which anything is known: an event, a profile or a licence. Ascending. */
export async function tenantsOnRecord(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ tenant_id: string }>(
    `SELECT DISTINCT tenant_id
     FROM (SELECT tenant_id FROM activity UNION ALL SELECT tenant_id FROM licences)
     ORDER BY tenant_id`,
  );
  return rows.map(({ tenant_id }) => tenant_id);
}

/** Whether a tenant is one of these. */
export async function tenantIsOnRecord(clickhouse: ClickHouse, tenantId: string): Promise<boolean> {
  const { known } = await clickhouse.queryOne<{ known: string }>(
    `SELECT count() AS known
     FROM
     (
       SELECT 1 FROM activity WHERE tenant_id = {tenantId:String} LIMIT 1
       UNION ALL
       SELECT 1 FROM licences WHERE tenant_id = {tenantId:String} LIMIT 1
     )`,
    { tenantId },
  );
  return known !== '0';
}
