/**
 * Figures as of a place in the logs: a figure that is bounded holds every record before its bounds and none from them on,
 * so it can be worked out again, to the same number, as long as the rows are there.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { SqlPart } from './policy-sql.ts';
import { REPLAY_JOB } from './runs.ts';
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

export interface LogState {
  /** The newest of each topic. */
  epochs: Epochs;
  /** All others: nothing more comes of them. */
  closed: number[];
  /** How often the log was written onto the tables anew. */
  replays: number;
}

/** To be read before the offsets that are committed, see `currentBounds`. */
export async function logState(clickhouse: ClickHouse): Promise<LogState> {
  const epochs = await newestEpochs(clickhouse);
  const { closed, replays } = await clickhouse.queryOne<{ closed: number[]; replays: string }>(
    `SELECT
       (SELECT groupUniqArray(epoch) FROM logs WHERE epoch NOT IN {newest:Array(UInt8)}) AS closed,
       (SELECT count() FROM aggregator_runs WHERE job = {job:String}) AS replays`,
    { newest: Object.values(epochs), job: REPLAY_JOB },
  );
  return { epochs, closed, replays: Number(replays) };
}

/** Where each partition of each topic's newest epoch began, and the last offset that has an outcome. */
const RECORDED = `
  SELECT of_topic, starts, lasts
  FROM
  (
    SELECT topic AS of_topic, max(epoch) AS epoch, argMax(logs.starts, logs.epoch) AS starts
    FROM logs
    GROUP BY topic
  ) AS newest
  LEFT JOIN
  (
    SELECT epoch, groupArray((partition, bitAnd(last_position, 0xFFFFFFFFFF))) AS lasts
    FROM (SELECT epoch, partition, max(last) AS last_position FROM log_outcomes GROUP BY epoch, partition)
    GROUP BY epoch
  ) AS recorded USING (epoch)`;

/**
 * Everything that is committed now and of which every record has an outcome. Offsets that somebody moved ahead, past
 * records that nobody has read, are committed too; when they are set back and the records are read, they must be new.
 */
export async function writtenBounds(clickhouse: ClickHouse, positions: () => Promise<Positions>): Promise<Bounds> {
  const bounds = await currentBounds(clickhouse, positions);
  // Read after what is committed: a batch has its outcomes before it is committed.
  const rows = await clickhouse.query<{ of_topic: string; starts: string[]; lasts: [number, string][] }>(RECORDED);
  const ends = new Map<string, number>();
  for (const { of_topic, starts, lasts } of rows) {
    for (const [partition, start] of starts.entries()) ends.set(`${of_topic}/${partition}`, Number(start));
    for (const [partition, last] of lasts) ends.set(`${of_topic}/${partition}`, Number(last) + 1);
  }
  const written = Object.entries(bounds.positions).map(([place, offset]): [string, number] => [
    place,
    Math.min(offset, ends.get(place) ?? 0),
  ]);
  return { ...bounds, positions: Object.fromEntries(written) };
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
