/**
 * What people decided about alerts: own rules, acknowledgements, silences. Each stays on record.
 */
import { randomUUID } from 'node:crypto';
import { type Acknowledgement, acknowledgement, type OwnRule, type Silence, silence } from '@tally/alerts';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export interface RulesVersion {
  id: string;
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  changedBy: string;
  because: string;
  rules: OwnRule[];
}

const RULES = `
  SELECT tenant_id, change_id AS id, toUnixTimestamp64Milli(changed_at) AS at, changed_by, because, rules
  FROM alert_rules
  WHERE tenant_id IN {tenants:Array(String)}
  ORDER BY tenant_id, changed_at DESC, change_id DESC
  LIMIT 1 BY tenant_id`;

/** The own rules of each of some tenants (the operators' by the empty text); absent where none were ever decided. */
export async function ownRules(clickhouse: ClickHouse, tenants: readonly string[]): Promise<Map<string, RulesVersion>> {
  const rows = await clickhouse.query<{
    tenant_id: string;
    id: string;
    at: string;
    changed_by: string;
    because: string;
    rules: string[];
  }>(RULES, { tenants: [...tenants] });
  return new Map(
    rows.map(({ tenant_id, id, at, changed_by, because, rules }) => [
      tenant_id,
      {
        id,
        changedAt: Number(at),
        changedBy: changed_by,
        because,
        rules: rules.map((rule) => JSON.parse(rule) as OwnRule),
      },
    ]),
  );
}

export interface RulesChange {
  /** Empty for the rules about the pipeline. */
  tenantId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
  by: string;
  because: string;
  rules: readonly OwnRule[];
}

/** From now on these own rules hold, in place of those before. */
export async function changeRules(
  clickhouse: ClickHouse,
  { tenantId, now, by, because, rules }: RulesChange,
): Promise<void> {
  const newest = (await ownRules(clickhouse, [tenantId])).get(tenantId);
  await clickhouse.insert('alert_rules', [
    {
      tenant_id: tenantId,
      // After the newest, also when this machine's clock is behind the one that made that.
      changed_at: dateTime64(Math.max(now, (newest?.changedAt ?? 0) + 1)),
      change_id: randomUUID(),
      changed_by: by,
      because,
      rules: rules.map((rule) => JSON.stringify(rule)),
    },
  ]);
}

/** Acknowledgements of each of some tenants' alerts. */
export async function acknowledgements(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, Acknowledgement[]>> {
  const rows = await clickhouse.query<{ tenant_id: string; document: string }>(
    'SELECT tenant_id, document FROM alert_acknowledgements WHERE tenant_id IN {tenants:Array(String)} ORDER BY at',
    { tenants: [...tenants] },
  );
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map(
    [...byTenant].map(([tenantId, own]) => [
      tenantId,
      own.map(({ document }) => acknowledgement.parse(JSON.parse(document))),
    ]),
  );
}

export async function acknowledge(
  clickhouse: ClickHouse,
  { tenantId, acknowledgement: said }: { tenantId: string; acknowledgement: Acknowledgement },
): Promise<void> {
  await clickhouse.insert('alert_acknowledgements', [
    {
      alert_id: said.alertId,
      tenant_id: tenantId,
      at: dateTime64(Date.parse(said.at)),
      document: JSON.stringify(said),
    },
  ]);
}

export interface StoredSilence {
  id: string;
  silence: Silence;
}

/** Silences of each of some tenants, ended ones too. */
export async function silences(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, StoredSilence[]>> {
  const rows = await clickhouse.query<{ tenant_id: string; id: string; newest: string }>(
    `SELECT tenant_id, toString(silence_id) AS id, argMax(document, changed_at) AS newest
     FROM alert_silences
     WHERE tenant_id IN {tenants:Array(String)}
     GROUP BY tenant_id, silence_id
     ORDER BY min(changed_at)`,
    { tenants: [...tenants] },
  );
  const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
  return new Map(
    [...byTenant].map(([tenantId, own]) => [
      tenantId,
      own.map(({ id, newest }) => ({ id, silence: silence.parse(JSON.parse(newest)) })),
    ]),
  );
}

/** Returns the silence's id. */
export async function beginSilence(clickhouse: ClickHouse, said: Silence, now: number): Promise<string> {
  const id = randomUUID();
  await writeSilence(clickhouse, { id, silence: said }, now);
  return id;
}

/** Ends a silence now. Throws `SILENCE_UNKNOWN`, or `SILENCE_OVER` when it has ended already. */
export async function endSilence(
  clickhouse: ClickHouse,
  { tenantId, id, now }: { tenantId: string; id: string; now: number },
): Promise<void> {
  const found = (await silences(clickhouse, [tenantId])).get(tenantId)?.find((one) => one.id === id);
  if (!found) throw new TallyError(`there is no silence ${id}`, { code: 'SILENCE_UNKNOWN', retriable: false });
  const { from, until } = found.silence;
  const at = new Date(now).toISOString();
  if (until <= at) throw new TallyError(`the silence ended at ${until}`, { code: 'SILENCE_OVER', retriable: false });
  // One that has not begun ends a millisecond after its beginning, in which nothing happens.
  const ends = at > from ? at : new Date(Date.parse(from) + 1).toISOString();
  await writeSilence(clickhouse, { id, silence: { ...found.silence, until: ends } }, now);
}

async function writeSilence(clickhouse: ClickHouse, { id, silence: said }: StoredSilence, now: number): Promise<void> {
  const { newest } = await clickhouse.queryOne<{ newest: string }>(
    `SELECT toUnixTimestamp64Milli(max(changed_at)) AS newest
     FROM alert_silences
     WHERE tenant_id = {tenantId:String} AND silence_id = {id:UUID}`,
    { tenantId: said.tenantId ?? '', id },
  );
  await clickhouse.insert('alert_silences', [
    {
      silence_id: id,
      tenant_id: said.tenantId ?? '',
      // After the newest, also when this machine's clock is behind the one that made that.
      changed_at: dateTime64(Math.max(now, Number(newest) + 1)),
      document: JSON.stringify(said),
    },
  ]);
}
