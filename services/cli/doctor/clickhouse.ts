/**
 * ClickHouse: whether it is there, has Tally's tables, and keeps what it acknowledges.
 */
import { checkCopied } from '@tally/clickhouse-schema';
import { type MissingObject, migrationState, missingObjects } from '@tally/clickhouse-schema/history';
import { checkDurability, checkKeyScheme, isRestoring } from '@tally/consumer';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import type { Finding, Looked } from './check.ts';
import { serverFindings } from './server.ts';
import { nameOf } from './shards.ts';
import type { DoctorSources } from './sources.ts';

const PARTS_SHARE_WARNING = 0.5;

export function checkClickHouse({ clickhouse }: DoctorSources): Promise<Looked> {
  return serverFindings(clickhouse, { name: 'ClickHouse', unreachable: 'CLICKHOUSE_UNREACHABLE' });
}

/** Throws `COPY_UNFINISHED`, as `tally migrate` does. */
export async function checkDatabase({ clickhouse }: DoctorSources): Promise<Looked> {
  const { database } = clickhouse;
  const missing = async (): Promise<boolean> => {
    try {
      await clickhouse.query('SELECT 1 FROM schema_migrations LIMIT 1');
      return false;
    } catch (error) {
      const codes = ['CLICKHOUSE_UNKNOWN_DATABASE', 'CLICKHOUSE_UNKNOWN_TABLE'];
      if (error instanceof TallyError && codes.includes(error.code)) return true;
      throw error;
    }
  };
  if (await missing()) {
    const what = `database ${database} is not there, or has no tables of Tally’s`;
    return { seen: '', findings: [{ code: 'DATABASE_MISSING', severity: 'failing', what }] };
  }
  if (await isRestoring(clickhouse)) {
    const what = `a restore of database ${database} was begun and has not ended: its figures are not whole`;
    return { seen: '', findings: [{ code: 'RESTORE_UNFINISHED', severity: 'failing', what }] };
  }
  await checkCopied(clickhouse);
  return { seen: database };
}

export async function checkMigrations({ clickhouse }: DoctorSources): Promise<Looked> {
  const { missing, changed, unknown } = await migrationState(clickhouse);
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push({ code: 'MIGRATION_MISSING', severity: 'failing', what: `not applied: ${missing.join(', ')}` });
  }
  if (changed.length > 0) {
    findings.push({ code: 'MIGRATION_CHANGED', severity: 'failing', what: `applied otherwise: ${changed.join(', ')}` });
  }
  if (unknown.length > 0) {
    const what = `of a newer version than this one: ${unknown.join(', ')}`;
    findings.push({ code: 'MIGRATION_NEWER', severity: 'failing', what });
  }
  return { seen: 'all applied, none changed', findings };
}

export async function checkTables({ clickhouse }: DoctorSources): Promise<Looked> {
  const { tables } = await missingObjects(clickhouse);
  return {
    seen: 'all there',
    findings: tables.map((missing) => ({
      code: 'TABLE_MISSING',
      severity: 'failing',
      what: `table ${placed(clickhouse, missing)} is gone`,
    })),
  };
}

export async function checkViews({ clickhouse }: DoctorSources): Promise<Looked> {
  const { views } = await missingObjects(clickhouse);
  return {
    seen: 'all there',
    findings: views.map((missing) => ({
      code: 'VIEW_MISSING',
      severity: 'failing',
      what: `view ${placed(clickhouse, missing)} is gone: what comes now is missing from the table that it fills`,
    })),
  };
}

function placed(clickhouse: ClickHouse, { name, shard }: MissingObject): string {
  return shard === undefined ? name : `${name} of ${nameOf(clickhouse, shard)}`;
}

/** Throws `DURABILITY_SETTINGS`, as the consumer does. */
export async function checkSurvival({ clickhouse }: DoctorSources): Promise<Looked> {
  await checkDurability(clickhouse);
  return { seen: 'an acknowledged row is on disk' };
}

/** Throws `KEY_SCHEME_DIFFERS`, as the consumer does. */
export async function checkKeys({ clickhouse }: DoctorSources): Promise<Looked> {
  await checkKeyScheme(clickhouse);
  return { seen: 'as this version makes them' };
}

/** Looks at each server's own. */
export async function checkParts({ clickhouse }: DoctorSources): Promise<Looked> {
  const looked = await Promise.all(
    clickhouse.shards.map((place, number) =>
      partsOf(place, clickhouse.isCluster ? ` on ${nameOf(clickhouse, number)}` : ''),
    ),
  );
  return { seen: looked.map(({ seen }) => seen).join('; '), findings: looked.flatMap(({ findings = [] }) => findings) };
}

async function partsOf(place: ClickHouse, where: string): Promise<Looked> {
  const { limit } = await place.queryOne<{ limit: string }>(
    "SELECT value AS limit FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert'",
  );
  const [fullest] = await place.query<{ table: string; partition: string; parts: string }>(
    `SELECT table, partition, count() AS parts
     FROM system.parts
     WHERE database = currentDatabase() AND active
     GROUP BY table, partition
     ORDER BY parts DESC
     LIMIT 1`,
  );
  if (!fullest) return { seen: 'none yet' };
  const seen = `at most ${fullest.parts} in a partition (${fullest.table})${where}`;
  const share = Number(fullest.parts) / Number(limit);
  if (share < PARTS_SHARE_WARNING) return { seen };
  const what = `${fullest.table}${where} has ${fullest.parts} parts in partition ${fullest.partition}; from ${limit} on inserts are slowed down`;
  return { seen, findings: [{ code: 'PARTS_TOO_MANY', severity: share < 1 ? 'warning' : 'failing', what }] };
}
