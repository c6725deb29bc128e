/**
 * Lists of which every change is kept whole, with who made it, when and why: licences, environments. The newest holds.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export interface Version<Line> {
  id: string;
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  changedBy: string;
  because: string;
  lines: Line[];
}

export interface Change<Line> {
  tenantId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  now: number;
  by: string;
  because: string;
  lines: readonly Line[];
  /** The version that the change was made from, null for none; absent: whichever holds. */
  replaces?: string | null | undefined;
}

/** How a list stands in its table: an array a column. */
export interface VersionedTable<Line, Columns extends object> {
  name: 'licences' | 'environments';
  columns: readonly (keyof Columns & string)[];
  toColumns: (lines: readonly Line[]) => Columns;
  toLines: (columns: Columns) => Line[];
}

/** Versions of a tenant that are read at once: years of daily changes. */
const VERSIONS_MAX = 10_000;

interface Head {
  tenant_id: string;
  id: string;
  at: string;
  changed_by: string;
  because: string;
}

/** A tenant's versions, newest first. */
export async function versionsOf<Line, Columns extends object>(
  clickhouse: ClickHouse,
  table: VersionedTable<Line, Columns>,
  tenantId: string,
  limit = VERSIONS_MAX,
): Promise<Version<Line>[]> {
  const rows = await clickhouse.query<Columns & Head>(
    `${selectOf(table)}
     WHERE tenant_id = {tenantId:String}
     ORDER BY changed_at DESC, change_id DESC
     LIMIT {limit:UInt32}`,
    { tenantId, limit },
  );
  return rows.map((row) => versionOf(table, row));
}

/** The version that holds of each of some tenants; absent where none was ever recorded. */
export async function newestVersionsOf<Line, Columns extends object>(
  clickhouse: ClickHouse,
  table: VersionedTable<Line, Columns>,
  tenants: readonly string[],
): Promise<Map<string, Version<Line>>> {
  const rows = await clickhouse.query<Columns & Head>(
    `${selectOf(table)}
     WHERE tenant_id IN {tenants:Array(String)}
     ORDER BY tenant_id, changed_at DESC, change_id DESC
     LIMIT 1 BY tenant_id`,
    { tenants: [...tenants] },
  );
  return new Map(rows.map((row) => [row.tenant_id, versionOf(table, row)]));
}

function selectOf<Line, Columns extends object>({ name, columns }: VersionedTable<Line, Columns>): string {
  const head = 'tenant_id, change_id AS id, toUnixTimestamp64Milli(changed_at) AS at, changed_by, because';
  return `SELECT ${head}, ${columns.join(', ')} FROM ${name}`;
}

function versionOf<Line, Columns extends object>(
  table: VersionedTable<Line, Columns>,
  row: Columns & Head,
): Version<Line> {
  const { id, at, changed_by, because } = row;
  return { id, changedAt: Number(at), changedBy: changed_by, because, lines: table.toLines(row) };
}

/**
 * From now on these lines hold. Throws `VERSION_OVERTAKEN` when another change came since the one that this was made from.
 * Two changes at the very same time may both be kept; the later one holds.
 */
export async function changeLines<Line, Columns extends object>(
  clickhouse: ClickHouse,
  table: VersionedTable<Line, Columns>,
  { tenantId, now, by, because, lines, replaces }: Change<Line>,
  more: Record<string, unknown> = {},
): Promise<void> {
  const [newest] = await versionsOf(clickhouse, table, tenantId, 1);
  if (replaces !== undefined && replaces !== (newest?.id ?? null)) {
    const message = `the ${table.name} of ${tenantId} were changed in between, by ${newest?.changedBy ?? 'nobody'}`;
    throw new TallyError(message, { code: 'VERSION_OVERTAKEN', retriable: false });
  }
  // After the newest, also when this machine's clock is behind the one that made that.
  const changedAt = Math.max(now, (newest?.changedAt ?? 0) + 1);
  await clickhouse.insert(table.name, [
    {
      tenant_id: tenantId,
      changed_at: dateTime64(changedAt),
      change_id: randomUUID(),
      changed_by: by,
      because,
      ...more,
      ...table.toColumns(lines),
    },
  ]);
}
