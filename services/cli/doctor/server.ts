/**
 * Whether one server of ClickHouse is there, lets us in, and is new enough.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { messageOf, TallyError } from '@tally/platform/errors';
import type { Finding, Looked } from './check.ts';

/** With which Tally was tested: year and month of the release. */
const VERSION_MIN = [26, 7] as const;
/** As ClickHouse calls a user that it does not know, or a password that is not right. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'CLICKHOUSE_REQUIRED_PASSWORD',
  'CLICKHOUSE_AUTHENTICATION_FAILED',
  'CLICKHOUSE_WRONG_PASSWORD',
]);

export async function serverFindings(
  server: ClickHouse,
  { name, unreachable }: { name: string; unreachable: 'CLICKHOUSE_UNREACHABLE' | 'SHARD_UNREACHABLE' },
): Promise<Looked> {
  try {
    const { version } = await server.queryOne<{ version: string }>('SELECT version() AS version');
    return { seen: version, findings: oldVersion(name, version) };
  } catch (error) {
    if (!(error instanceof TallyError)) throw error;
    // The client names the database with every request, so one that is not there shows here.
    if (error.code === 'CLICKHOUSE_UNKNOWN_DATABASE') return { seen: 'answers' };
    const finding: Finding = CREDENTIALS.has(error.code)
      ? { code: 'CLICKHOUSE_CREDENTIALS', severity: 'failing', what: `${name} does not take the user or the password` }
      : { code: unreachable, severity: 'failing', what: `${name}: ${messageOf(error).split('\n', 1)[0] ?? ''}` };
    return { seen: '', findings: [finding] };
  }
}

function oldVersion(name: string, version: string): Finding[] {
  const [year = 0, month = 0] = version.split('.').map(Number);
  if (year > VERSION_MIN[0] || (year === VERSION_MIN[0] && month >= VERSION_MIN[1])) return [];
  const what = `${name} is ${version}; Tally was tested with ${VERSION_MIN.join('.')}`;
  return [{ code: 'CLICKHOUSE_OLD', severity: 'warning', what }];
}
