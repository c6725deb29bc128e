/**
 * Whether the database's keys are made as this version makes them (hash.ts).
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';

export const KEY_SCHEME = 'blake3';

/** Throws `KEY_SCHEME_DIFFERS` where another version has written keys of its own: under other keys all would count again. */
export async function checkKeyScheme(clickhouse: ClickHouse): Promise<void> {
  const rows = await clickhouse.query<{ scheme: string }>('SELECT DISTINCT scheme FROM key_schemes');
  const others = rows.map(({ scheme }) => scheme).filter((scheme) => scheme !== KEY_SCHEME);
  if (others.length === 0) return;
  throw new TallyError(
    `database ${clickhouse.database} has keys made with ${others.join(', ')}, this version makes them with ${KEY_SCHEME}: ` +
      '`tally rebuild --database NAME` makes one with these from the log, `tally up --database NAME` runs on it',
    { code: 'KEY_SCHEME_DIFFERS', retriable: false },
  );
}
