/**
 * Whether the log says of a tenant what it said before: its last position in every partition. It says nothing while one of
 * them is not known to be committed, since the tables may then hold only a part of what was inserted.
 *
 * A tenant's version is read at a moment after the call. Where it is the same, and all of it was committed before, every
 * row of the tenant is in every table that the log fills, so what was worked out from them is the same as well.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { CommittedLog } from './freshness.ts';

/** Filled by the log alone, row by row of the tenants; whoever reads them reads one tenant's rows. */
export const TENANT_LOG_TABLES: ReadonlySet<string> = new Set([
  'activity',
  'activity_days',
  'daily_interactions',
  'entity_months',
  'interactions',
  'voided_interactions',
]);

const VERSIONS = `
  SELECT
    tenant_id,
    hex(sipHash128(arraySort(groupArray((environment_id, epoch, partition, newest))))) AS version,
    toUInt8(min(has({closed:Array(UInt8)}, epoch) OR bitAnd(newest, 0xFFFFFFFFFF) <
      transform(bitShiftRight(newest, 40), {places:Array(UInt64)}, {ends:Array(UInt64)}, toUInt64(0)))) AS is_committed
  FROM
  (
    SELECT tenant_id, environment_id, epoch, partition, max(last) AS newest
    FROM activity
    WHERE tenant_id IN {tenants:Array(String)}
    GROUP BY tenant_id, environment_id, epoch, partition
  )
  GROUP BY tenant_id`;

/** Of a tenant of which the log says nothing. */
const NOTHING = 'nothing';
const PARTITIONS_MAX = 2 ** 16;
/** No epoch is numbered 0, so no position is there; an empty list would have no type. */
const NOWHERE = 0;

interface Reading {
  tenants: Set<string>;
  versions: Promise<ReadonlyMap<string, string | undefined>>;
}

export class LogVersions {
  readonly #clickhouse: ClickHouse;
  readonly #committed: () => CommittedLog;
  /** The version of table `activity` after which `#known` was read. */
  #readAfter = '';
  #known = new Map<string, string>();
  #reading: Promise<unknown> = Promise.resolve();
  #next: Reading | undefined;

  constructor(clickhouse: ClickHouse, committed: () => CommittedLog) {
    this.#clickhouse = clickhouse;
    this.#committed = committed;
  }

  /**
   * Undefined while it is not known that all of it is committed.
   * @param activity version of the table `activity`, from a moment after the question came
   */
  async of(tenantId: string, activity: string): Promise<string | undefined> {
    if (activity !== this.#readAfter) {
      this.#readAfter = activity;
      this.#known = new Map();
    }
    const known = this.#known;
    const version = known.get(tenantId) ?? (await this.#read(tenantId)).get(tenantId);
    if (version !== undefined) known.set(tenantId, version);
    return version;
  }

  /** Whoever asks while another reading is under way is in the next one, with all others. */
  #read(tenantId: string): Reading['versions'] {
    if (!this.#next) {
      const tenants = new Set<string>();
      const versions = this.#reading.then(() => {
        this.#next = undefined;
        return this.#ask([...tenants]);
      });
      this.#next = { tenants, versions };
      this.#reading = versions.catch(() => {});
    }
    this.#next.tenants.add(tenantId);
    return this.#next.versions;
  }

  async #ask(tenants: string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const { closed, places, replays } = this.#committed();
    const rows = await this.#clickhouse.query<{ tenant_id: string; version: string; is_committed: number }>(VERSIONS, {
      tenants,
      closed,
      places: [NOWHERE, ...places.map(({ epoch, partition }) => epoch * PARTITIONS_MAX + partition)],
      ends: [0, ...places.map(({ end }) => end)],
    });
    const versions = new Map<string, string | undefined>(
      tenants.map((tenantId) => [tenantId, `${NOTHING} ${replays}`]),
    );
    for (const { tenant_id, version, is_committed } of rows) {
      versions.set(tenant_id, is_committed === 0 ? undefined : `${version} ${replays}`);
    }
    return versions;
  }
}
