/**
 * Environments of a tenant: those on record now, what was before, and those that have usage. (Rules: "Environments".)
 */
import type { Environment, EnvironmentType } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import {
  type Change,
  changeLines,
  newestVersionsOf,
  type Version,
  type VersionedTable,
  versionsOf,
} from './versions.ts';

interface Columns {
  environment_ids: string[];
  names: string[];
  types: EnvironmentType[];
  geos: string[];
  starts: string[];
  ends: string[];
}

const TABLE: VersionedTable<Environment, Columns> = {
  name: 'environments',
  columns: ['environment_ids', 'names', 'types', 'geos', 'starts', 'ends'],
  toColumns: (lines) => ({
    environment_ids: lines.map(({ id }) => id),
    names: lines.map(({ name }) => name),
    types: lines.map(({ type }) => type),
    geos: lines.map(({ geo }) => geo),
    starts: lines.map(({ startsOn }) => startsOn),
    ends: lines.map(({ endsOn }) => endsOn ?? ''),
  }),
  toLines: ({ environment_ids, names, types, geos, starts, ends }) =>
    environment_ids.map((id, index) => ({
      id,
      name: names[index] ?? '',
      type: types[index] ?? 'production',
      geo: geos[index] ?? '',
      startsOn: starts[index] ?? '',
      endsOn: ends[index] || null,
    })),
};

/** Every version of a tenant's environments, newest first; that one holds. */
export function environmentVersions(clickhouse: ClickHouse, tenantId: string): Promise<Version<Environment>[]> {
  return versionsOf(clickhouse, TABLE, tenantId);
}

/** The environments on record now of each of some tenants; absent where none ever were. */
export function newestEnvironments(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, Version<Environment>>> {
  return newestVersionsOf(clickhouse, TABLE, tenants);
}

/** Replaces a tenant's whole list of environments. Throws as changeLines does. */
export function changeEnvironments(clickhouse: ClickHouse, change: Change<Environment>): Promise<void> {
  return changeLines(clickhouse, TABLE, change);
}

/** Ids of the environments that ever sent anything, registered or not. */
export async function environmentsSeen(clickhouse: ClickHouse, tenantId: string): Promise<string[]> {
  const rows = await clickhouse.query<{ environment_id: string }>(
    'SELECT DISTINCT environment_id FROM activity WHERE tenant_id = {tenantId:String} ORDER BY environment_id',
    { tenantId },
  );
  return rows.map(({ environment_id }) => environment_id);
}
