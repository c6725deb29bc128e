/**
 * Figures as of a place in the logs: a figure that is bounded holds every record before its bounds and none from them on,
 * so it can be worked out again, to the same number, as long as the rows are there.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { SqlPart } from './policy-sql.ts';
import { type Epochs, newestEpochs, type Positions } from './tenants.ts';

/** Up to where each partition of the newest epochs is read; all of earlier epochs is, and nothing of later ones. */
export interface Bounds {
  positions: Positions;
  epochs: Epochs;
}

/** Everything that is committed now, all of which is written. */
export async function currentBounds(clickhouse: ClickHouse, positions: () => Promise<Positions>): Promise<Bounds> {
  // The epochs first: they are opened after the offsets are set, so offsets of a new one are not taken for the old one's.
  const epochs = await newestEpochs(clickhouse);
  return { positions: await positions(), epochs };
}

/**
 * A condition on a column of log positions of one topic: the position is within the bounds. Positions of a partition that
 * the bounds do not name are not.
 * @param column of `position: UInt64`, see the table `ingest`
 * @param name keeps the parameters of several such conditions apart
 */
export function withinBounds(
  bounds: Bounds,
  topic: string,
  { column, name }: { column: string; name: string },
): SqlPart {
  const epoch = bounds.epochs[topic] ?? 0;
  const places: number[] = [NOWHERE];
  const ends: number[] = [0];
  for (const [place, offset] of Object.entries(bounds.positions)) {
    const at = place.lastIndexOf('/');
    if (place.slice(0, at) !== topic) continue;
    places.push(epoch * PARTITIONS_MAX + Number(place.slice(at + 1)));
    ends.push(offset);
  }
  const [partitionOf, offsetOf] = [`bitShiftRight(${column}, 40)`, `bitAnd(${column}, 0xFFFFFFFFFF)`];
  const end = `transform(${partitionOf}, {${name}Places:Array(UInt64)}, {${name}Ends:Array(UInt64)}, toUInt64(0))`;
  return {
    sql: `(bitShiftRight(${column}, 56) < {${name}Epoch:UInt8} OR ${offsetOf} < ${end})`,
    params: { [`${name}Epoch`]: epoch, [`${name}Places`]: places, [`${name}Ends`]: ends },
  };
}

const PARTITIONS_MAX = 2 ** 16;
/** No epoch is numbered 0, so no position is there; an empty list would have no type. */
const NOWHERE = 0;
