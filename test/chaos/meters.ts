/**
 * The three meters, as the api works them out, beside the simulator's truth.
 */
import { engagedPeople, knownTenants, monthlyInteractions, UNIFICATION_DEFAULT, unifiedPeople } from '@tally/figures';
import { always } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Truth } from '@tally/simulator';

export interface MeterFindings {
  /** Figures compared and found different, by meter. Breakdowns are part of a figure. */
  interactions: Compared;
  engaged: Compared;
  unified: Compared;
  differences: string[];
}

interface Compared {
  figures: number;
  different: number;
  /** Sum of the totals, for a sense of size. */
  total: number;
}

const MONTHS = 14;

/** Every tenant, month and month's end of the 14 months that end with `until`. */
export async function compareMeters(
  { clickhouse }: { clickhouse: ClickHouse },
  { truth, until }: { truth: Truth; until: Date },
): Promise<MeterFindings> {
  const policies = always();
  const findings: MeterFindings = { interactions: none(), engaged: none(), unified: none(), differences: [] };
  const compare = (meter: 'interactions' | 'engaged' | 'unified', what: string, is: Figure, mustBe: Figure): void => {
    const compared = findings[meter];
    compared.figures++;
    compared.total += mustBe.total;
    const [found, wanted] = [stable(is), stable(mustBe)];
    if (found === wanted) return;
    compared.different++;
    findings.differences.push(`${what}: Tally ${found}, truth ${wanted}`);
  };
  const ends = monthEnds(until);
  const months = ends.map((day) => day.slice(0, 7));
  const interactions = truth.interactions();
  const unified = truth.unified();
  const engaged = new Map(ends.map((day) => [day, truth.engaged(day)]));
  for (const tenantId of truth.tenants()) {
    const range = { tenantId, from: months[0] ?? '', to: months.at(-1) ?? '', policies };
    for (const { month, ...figure } of await monthlyInteractions(clickhouse, range)) {
      const wanted = interactions.get(tenantId)?.get(month) ?? { total: 0, byChannel: {}, byEnvironment: {} };
      compare('interactions', `interactions of ${tenantId} in ${month}`, figure, wanted);
    }
    for (const day of ends) {
      const wanted = engaged.get(day)?.get(tenantId) ?? { total: 0, byEnvironment: {}, byEntityType: {} };
      compare(
        'engaged',
        `engaged people of ${tenantId} on ${day}`,
        await engagedPeople(clickhouse, { tenantId, day, policies }),
        wanted,
      );
    }
    const wanted = unified.get(tenantId) ?? { total: 0, byEnvironment: {}, records: 0 };
    compare('unified', `unified people of ${tenantId}`, await unifiedOf(clickhouse, tenantId), wanted);
  }
  const strangers = (await knownTenants(clickhouse)).filter((tenantId) => !truth.tenants().includes(tenantId));
  findings.differences.push(...strangers.map((tenantId) => `nothing was sent for tenant ${tenantId}`));
  return findings;
}

async function unifiedOf(clickhouse: ClickHouse, tenantId: string): Promise<Figure> {
  const byEnvironment: Record<string, number> = {};
  let [total, all] = [0, 0];
  const environments = await clickhouse.query<{ environment_id: string }>(
    'SELECT DISTINCT environment_id FROM profile_records WHERE tenant_id = {tenantId:String}',
    { tenantId },
  );
  for (const { environment_id } of environments) {
    const asked = { tenantId, environmentId: environment_id, rules: UNIFICATION_DEFAULT };
    const { people, records } = await unifiedPeople(clickhouse, asked);
    total += people;
    all += records;
    byEnvironment[environment_id] = people;
  }
  const figure = { total, byEnvironment, records: all };
  return figure;
}

/** With breakdowns; they are compared as well. */
interface Figure {
  total: number;
}

function none(): Compared {
  return { figures: 0, different: 0, total: 0 };
}

/** The last days of the months, the last of them `until`. */
function monthEnds(until: Date): string[] {
  return Array.from({ length: MONTHS }, (_, index) => {
    const end = Date.UTC(until.getUTCFullYear(), until.getUTCMonth() - (MONTHS - 1) + index + 1, 0);
    return new Date(Math.min(end, until.getTime())).toISOString().slice(0, 10);
  });
}

/** Equal figures give equal text; a zero in a breakdown is as good as an absent one. */
function stable(value: unknown): string {
  return JSON.stringify(value, (name, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null) return inner;
    const entries = Object.entries(inner).filter(([, one]) => one !== 0 || name === '');
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
