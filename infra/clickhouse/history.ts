/**
 * How far a database is: which migrations it has had, and whether what they made is still there.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { Places } from './cluster-sql.ts';
import { migrations, statements } from './index.ts';
import { tablesOf } from './tables.ts';

/** Names of migrations. */
export interface MigrationState {
  /** There are, and have not been applied. */
  missing: string[];
  /** Were applied with another content than they have here. */
  changed: string[];
  /** Were applied, and are not known here: newer code has been at work. */
  unknown: string[];
}

/** Throws what ClickHouse throws; without a database of Tally's, that its table of migrations is unknown. */
export async function migrationState(clickhouse: ClickHouse): Promise<MigrationState> {
  const applied = await appliedMigrations(clickhouse);
  const known = new Map(migrations().map(({ name, digest }) => [name, digest]));
  return {
    missing: [...known.keys()].filter((name) => !applied.has(name)),
    changed: [...known].filter(([name, digest]) => (applied.get(name) ?? digest) !== digest).map(([name]) => name),
    unknown: [...applied.keys()].filter((name) => !known.has(name)),
  };
}

/** The digest of each migration that the database has had, by name. */
export async function appliedMigrations(clickhouse: ClickHouse): Promise<Map<string, string>> {
  const rows = await clickhouse.query<{ name: string; digest: string }>(
    'SELECT name, digest FROM schema_migrations FINAL ORDER BY name',
  );
  return new Map(rows.map(({ name, digest }) => [name, digest]));
}

/** Something that a migration made and that is not there. */
export interface MissingObject {
  name: string;
  /** On a cluster, of which shard; absent in the database that people connect to. */
  shard?: number;
}

/** Tables and views that the applied migrations made and that are not there: on a cluster, on any server. */
export async function missingObjects(
  clickhouse: ClickHouse,
): Promise<{ tables: MissingObject[]; views: MissingObject[] }> {
  const { home, shard } = await wantedObjects(clickhouse);
  const missing: { tables: MissingObject[]; views: MissingObject[] } = { tables: [], views: [] };
  const look = async (place: ClickHouse, wanted: Wanted, of: Pick<MissingObject, 'shard'>): Promise<void> => {
    const there = await tablesIn(place);
    for (const kind of ['tables', 'views'] as const) {
      for (const name of wanted[kind]) if (!there.has(name)) missing[kind].push({ name, ...of });
    }
  };
  await look(clickhouse, home, {});
  if (clickhouse.isCluster) {
    for (const [number, place] of clickhouse.shards.entries()) await look(place, shard, { shard: number });
  }
  return missing;
}

interface Wanted {
  tables: Set<string>;
  views: Set<string>;
}

const CREATED = /^CREATE (TABLE|MATERIALIZED VIEW) (?:IF NOT EXISTS )?(\w+)/;
const DROPPED = /^DROP (?:TABLE|VIEW) (?:IF EXISTS )?(\w+)/;

/** What the applied migrations have made and not taken away, by the database that it is in. */
async function wantedObjects(clickhouse: ClickHouse): Promise<{ home: Wanted; shard: Wanted }> {
  const applied = await appliedMigrations(clickhouse);
  const wanted = {
    home: { tables: new Set<string>(), views: new Set<string>() },
    shard: { tables: new Set<string>(), views: new Set<string>() },
  };
  const places = new Places();
  for (const statement of migrations().flatMap(({ name, sql }) => (applied.has(name) ? statements(sql) : []))) {
    const [, kind, made] = CREATED.exec(statement) ?? [];
    const dropped = DROPPED.exec(statement)?.[1];
    for (const place of ['home', 'shard'] as const) {
      const { tables, views } = wanted[place];
      if (dropped !== undefined) for (const names of [tables, views]) names.delete(dropped);
      if (made === undefined) continue;
      const isHere = clickhouse.isCluster ? places.of(statement).places.includes(place) : place === 'home';
      if (isHere) (kind === 'TABLE' ? tables : views).add(made);
    }
  }
  // Over those of all shards.
  if (clickhouse.isCluster) for (const table of tablesOf('log')) wanted.home.tables.add(table);
  return wanted;
}

async function tablesIn(place: ClickHouse): Promise<Set<string>> {
  const rows = await place.query<{ name: string }>('SELECT name FROM system.tables WHERE database = currentDatabase()');
  return new Set(rows.map(({ name }) => name));
}
