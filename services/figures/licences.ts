/**
 * Licence lines of a tenant: those on record now, and what was before. (Rules: "Licences".)
 */
import { CATALOGUE, type LicenceLine } from '@tally/metering';
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
  skus: string[];
  quantities: number[];
  pack_sizes: number[];
  starts: string[];
  ends: string[];
}

const TABLE: VersionedTable<LicenceLine, Columns> = {
  name: 'licences',
  columns: ['skus', 'quantities', 'pack_sizes', 'starts', 'ends'],
  toColumns: (lines) => ({
    skus: lines.map(({ sku }) => sku),
    quantities: lines.map(({ quantity }) => quantity),
    pack_sizes: lines.map(({ packSize }) => packSize ?? 0),
    starts: lines.map(({ startsOn }) => startsOn),
    ends: lines.map(({ endsOn }) => endsOn ?? ''),
  }),
  toLines: ({ skus, quantities, pack_sizes, starts, ends }) =>
    skus.map((sku, index) => {
      const packSize = pack_sizes[index] ?? 0;
      return {
        sku,
        quantity: quantities[index] ?? 0,
        ...(packSize === 0 ? {} : { packSize }),
        startsOn: starts[index] ?? '',
        endsOn: ends[index] || null,
      };
    }),
};

/** Every version of a tenant's lines, newest first; that one holds. */
export function licenceVersions(clickhouse: ClickHouse, tenantId: string): Promise<Version<LicenceLine>[]> {
  return versionsOf(clickhouse, TABLE, tenantId);
}

/** The lines on record now of each of some tenants; absent where none ever were. */
export function newestLicences(
  clickhouse: ClickHouse,
  tenants: readonly string[],
): Promise<Map<string, Version<LicenceLine>>> {
  return newestVersionsOf(clickhouse, TABLE, tenants);
}

/** Replaces a tenant's whole list of lines. Throws as changeLines does. */
export function changeLicences(clickhouse: ClickHouse, change: Change<LicenceLine>): Promise<void> {
  return changeLines(clickhouse, TABLE, change, { catalogue_version: CATALOGUE.version });
}
