/**
 * The bits of `entity_months` beside the days that `interactions` has.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { DIFFERENCES_LISTED_MAX } from '../findings.ts';

const OF_ROW = 'tenant_id, month, environment_id, entity_type, entity_key, channel, direction';

const GROUPED = `
  SELECT ${OF_ROW}, groupBitOrIf(days, side = 1) AS recorded, groupBitOrIf(days, side = 2) AS recounted
  FROM
  (
    SELECT ${OF_ROW}, days, 1 AS side FROM entity_months
    UNION ALL
    SELECT
      tenant_id, toStartOfMonth(day) AS month, environment_id, entity_type, entity_key, channel, direction,
      bitShiftLeft(toUInt32(1), toDayOfMonth(day) - 1) AS days, 2 AS side
    FROM interactions
  )
  GROUP BY ${OF_ROW}`;

interface Row {
  tenant_id: string;
  month: string;
  environment_id: string;
  entity_type: string;
  entity: string;
  channel: string;
  direction: string;
  recorded: number;
  recounted: number;
}

/** Entity months that differ, at most `DIFFERENCES_LISTED_MAX`, in words; and the numbers of all. */
export async function compareEntityMonths(
  clickhouse: ClickHouse,
): Promise<{ compared: number; differing: number; found: string[] }> {
  const { compared, differing } = await clickhouse.queryOne<{ compared: string; differing: string }>(
    `SELECT count() AS compared, countIf(recorded != recounted) AS differing FROM (${GROUPED})`,
  );
  if (differing === '0') return { compared: Number(compared), differing: 0, found: [] };
  const rows = await clickhouse.query<Row>(
    `SELECT *, lower(hex(entity_key)) AS entity FROM (${GROUPED}) WHERE recorded != recounted
     ORDER BY ${OF_ROW} LIMIT ${DIFFERENCES_LISTED_MAX}`,
  );
  return { compared: Number(compared), differing: Number(differing), found: rows.map(describe) };
}

function describe({ recorded, recounted, ...row }: Row): string {
  const where = `${row.tenant_id} ${row.environment_id} ${row.entity_type} ${row.entity} ${row.channel} ${row.direction}`;
  const extra = daysOf(row.month, recorded & ~recounted);
  const missing = daysOf(row.month, recounted & ~recorded);
  return [
    ...(extra.length > 0 ? [`${where}: a bit for ${extra.join(', ')}, but interactions has no row`] : []),
    ...(missing.length > 0 ? [`${where}: interactions has a row on ${missing.join(', ')}, but there is no bit`] : []),
  ].join('; ');
}

/** Bit 0 is the 1st. */
function daysOf(month: string, bits: number): string[] {
  const days: string[] = [];
  for (let bit = 0; bit < 31; bit++) {
    if ((bits >>> bit) & 1) days.push(`${month.slice(0, 7)}-${String(bit + 1).padStart(2, '0')}`);
  }
  return days;
}
