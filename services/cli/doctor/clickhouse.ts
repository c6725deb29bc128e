/**
 * ClickHouse: whether it is there, has Tally's tables, and keeps what it acknowledges.
 */
import { migrationState, missingObjects } from '@tally/clickhouse-schema/history';
import { checkDurability, checkKeyScheme, isRestoring } from '@tally/consumer';
import { messageOf, TallyError } from '@tally/platform/errors';
import type { Finding, Looked } from './check.ts';
import type { DoctorSources } from './sources.ts';

/** With which Tally was tested: year and month of the release. */
const VERSION_MIN = [26, 7] as const;
/** As ClickHouse calls a user that it does not know, or a password that is not right. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'CLICKHOUSE_REQUIRED_PASSWORD',
  'CLICKHOUSE_AUTHENTICATION_FAILED',
  'CLICKHOUSE_WRONG_PASSWORD',
]);
const PARTS_SHARE_WARNING = 0.5;

export async function checkClickHouse({ clickhouse }: DoctorSources): Promise<Looked> {
  try {
    const { version } = await clickhouse.queryOne<{ version: string }>('SELECT version() AS version');
    return { seen: version, findings: oldVersion(version) };
  } catch (error) {
    if (!(error instanceof TallyError)) throw error;
    // The client names the database with every request, so one that is not there shows here.
    if (error.code === 'CLICKHOUSE_UNKNOWN_DATABASE') return { seen: 'answers' };
    const detail = messageOf(error).split('\n', 1)[0] ?? '';
    const finding: Finding = CREDENTIALS.has(error.code)
      ? {
          code: 'CLICKHOUSE_CREDENTIALS',
          severity: 'failing',
          what: 'ClickHouse does not take the user or the password',
        }
      : { code: 'CLICKHOUSE_UNREACHABLE', severity: 'failing', what: detail };
    return { seen: '', findings: [finding] };
  }
}

function oldVersion(version: string): Finding[] {
  const [year = 0, month = 0] = version.split('.').map(Number);
  if (year > VERSION_MIN[0] || (year === VERSION_MIN[0] && month >= VERSION_MIN[1])) return [];
  const what = `ClickHouse is ${version}; Tally was tested with ${VERSION_MIN.join('.')}`;
  return [{ code: 'CLICKHOUSE_OLD', severity: 'warning', what }];
}

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
    findings: tables.map((name) => ({ code: 'TABLE_MISSING', severity: 'failing', what: `table ${name} is gone` })),
  };
}

export async function checkViews({ clickhouse }: DoctorSources): Promise<Looked> {
  const { views } = await missingObjects(clickhouse);
  return {
    seen: 'all there',
    findings: views.map((name) => ({
      code: 'VIEW_MISSING',
      severity: 'failing',
      what: `view ${name} is gone: what comes now is missing from the table that it fills`,
    })),
  };
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

export async function checkParts({ clickhouse }: DoctorSources): Promise<Looked> {
  const { limit } = await clickhouse.queryOne<{ limit: string }>(
    "SELECT value AS limit FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert'",
  );
  const [fullest] = await clickhouse.query<{ table: string; partition: string; parts: string }>(
    `SELECT table, partition, count() AS parts
     FROM system.parts
     WHERE database = currentDatabase() AND active
     GROUP BY table, partition
     ORDER BY parts DESC
     LIMIT 1`,
  );
  if (!fullest) return { seen: 'none yet' };
  const seen = `at most ${fullest.parts} in a partition (${fullest.table})`;
  const share = Number(fullest.parts) / Number(limit);
  if (share < PARTS_SHARE_WARNING) return { seen };
  const what = `${fullest.table} has ${fullest.parts} parts in partition ${fullest.partition}; from ${limit} on inserts are slowed down`;
  return { seen, findings: [{ code: 'PARTS_TOO_MANY', severity: share < 1 ? 'warning' : 'failing', what }] };
}
