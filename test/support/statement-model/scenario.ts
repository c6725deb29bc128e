/**
 * Twenty-six months of a tenant, as they become known: growth, a peak, late events, voids, a renewal, add-ons, decisions
 * on what counts, profiles that merge and split. Beside it a small tenant that uses the same ids, to see that nothing
 * of one gets into the other's statements.
 */
import { dayNumber, firstDayOfMonth, lastDayOfMonth, monthsBetween, monthsLater, startOf } from './days.ts';
import { Random } from './random.ts';
import { SourceSystems } from './scenario-profiles.ts';
import { JourneyTraffic } from './scenario-traffic.ts';
import type { ModelLine, ModelRecord, Step } from './steps.ts';

export interface ScenarioOptions {
  seed: number;
  /** The tenant whose months are all stated, and the small one. */
  tenants: readonly [large: string, small: string];
}

export const SCENARIO_MONTHS = monthsBetween('2024-02', '2026-03');

const HOUR_MS = 3_600_000;
/** Statements are issued on this day of the next month, counted from 0. */
const ISSUE_DAY = 4;
/** Months of which the small tenant has a statement: the others are never stated, so nothing of them is adjusted. */
const STATED_OF_SMALL = new Set(['2024-02', '2024-04', '2024-09', '2024-10', '2026-03']);
/** This one is stated together with the next. */
const STATED_LATE = '2025-01';
/** A figure of a day of this month is published when the month's statement is there already. */
const PUBLISHED_LATE = { day: '2024-12-20', during: '2025-01' };

/** Everything, in the order in which it happens. */
export function scenarioOf({ seed, tenants: [large, small] }: ScenarioOptions): Step[] {
  const random = new Random(seed);
  const traffic = new JourneyTraffic(large, random);
  const beside = new JourneyTraffic(small, random);
  const systems = new SourceSystems(random);
  const steps: Step[] = decisionsAtStart(large);
  for (const [index, month] of SCENARIO_MONTHS.entries()) {
    steps.push({ kind: 'records', records: [...traffic.ofMonth(month, index), ...beside.few(month)] });
    steps.push(...unifiedRuns({ month, index, systems, tenants: [large, small] }));
    steps.push(...decisionsIn(month, [large, small]));
    // A run for a day that is past takes only tenants of which something new came, so something does of both.
    steps.push({ kind: 'records', records: [...traffic.late(month, index), ...beside.few(month, 1)] });
    if (month === PUBLISHED_LATE.during) steps.push({ kind: 'aggregate', at: at(PUBLISHED_LATE.day, 15) });
    steps.push(...statementsAfter(month, [large, small]));
  }
  return steps;
}

/** A moment of a day. */
function at(day: string, hour: number): number {
  return startOf(dayNumber(day)) + hour * HOUR_MS;
}

/** Profile records come on some days of a month, and the aggregator runs after them; in some months nothing does. */
function unifiedRuns(now: {
  month: string;
  index: number;
  systems: SourceSystems;
  tenants: readonly [string, string];
}): Step[] {
  const { month, index, systems, tenants } = now;
  const [first, last] = [firstDayOfMonth(month), lastDayOfMonth(month)];
  const days = [[], [last], [], [first + 2, first + 17]][index % 8] ?? [];
  return days.flatMap((day): Step[] => {
    const moment = startOf(day) + 9 * HOUR_MS;
    const records: ModelRecord[] = tenants.flatMap((tenantId) => systems.changes(tenantId, moment));
    return [
      { kind: 'records', records },
      { kind: 'aggregate', at: moment + HOUR_MS },
    ];
  });
}

function statementsAfter(month: string, [large, small]: readonly [string, string]): Step[] {
  const issue = (tenantId: string, of: string): Step => ({
    kind: 'issue',
    tenantId,
    month: of,
    at: startOf(firstDayOfMonth(monthsLater(month, 1)) + ISSUE_DAY) + 8 * HOUR_MS,
  });
  const steps: Step[] = [];
  if (month === monthsLater(STATED_LATE, 1)) steps.push(issue(large, STATED_LATE));
  if (month !== STATED_LATE) steps.push(issue(large, month));
  if (STATED_OF_SMALL.has(month)) steps.push(issue(small, month));
  return steps;
}

const line = (
  sku: string,
  [quantity, packSize]: [number, number],
  [startsOn, endsOn]: [string, string | null],
): ModelLine => ({ sku, quantity, packSize, startsOn, endsOn });

/** Bought on a leap day; a trial beside it. */
const FIRST_ORDER = [
  line('trial', [1, 25], ['2024-01-10', '2024-04-10']),
  line('marketing-standalone', [1, 70], ['2024-02-29', '2025-02-28']),
  line('ci-unified-people', [2, 20], ['2024-02-29', '2025-02-28']),
];
/** In the middle of a month and of the licence year. */
const ADD_ON = line('ci-interacted-people-t1', [2, 20], ['2024-09-17', '2025-02-28']);
/** Begins on the day on which the first ends; unified people without an end. */
const RENEWAL = [
  line('ci-interacted-people-t2', [1, 170], ['2025-02-28', '2026-02-28']),
  line('ci-unified-people', [3, 25], ['2025-02-28', null]),
];
/** Entered in November only. */
const LATE_ORDER = line('ci-interacted-people-t1', [1, 30], ['2025-10-05', '2026-02-10']);
const SECOND_RENEWAL = line('ci-interacted-people-t1', [3, 75], ['2026-02-28', null]);

/** From the last day of a month on. */
const BASE_OF_SMALL: ModelLine = { sku: 'ci-base', quantity: 1, startsOn: '2024-09-30', endsOn: null };

function decisionsAtStart(tenantId: string): Step[] {
  const prod = {
    id: 'prod',
    name: 'Shop',
    type: 'production',
    geo: 'eu',
    startsOn: '2024-01-01',
    endsOn: null,
  } as const;
  return [
    { kind: 'licences', tenantId, at: at('2024-02-29', 9), lines: FIRST_ORDER },
    { kind: 'environments', tenantId, at: at('2024-02-29', 9), environments: [prod] },
  ];
}

/** What people decide during a month. */
function decisionsIn(month: string, [tenantId, small]: readonly [string, string]): Step[] {
  const licences = (day: string, ...lines: ModelLine[]): Step[] => [
    { kind: 'licences', tenantId, at: at(day, 12), lines },
  ];
  switch (month) {
    case '2024-09':
      return [
        ...licences('2024-09-17', ...FIRST_ORDER, ADD_ON),
        { kind: 'licences', tenantId: small, at: at('2024-09-30', 12), lines: [BASE_OF_SMALL] },
      ];
    case '2025-02':
      return licences('2025-02-20', ...FIRST_ORDER, ADD_ON, ...RENEWAL);
    // What came in does not count since April, decided in June: two stated months are re-opened.
    case '2025-06':
      return [policies(tenantId, '2025-06-20', [{ from: '2025-04-01', policy: 'outbound-only' }])];
    // And does again since the middle of October, decided when that had been stated.
    case '2025-11':
      return [
        ...licences('2025-11-12', ...FIRST_ORDER, ADD_ON, ...RENEWAL, LATE_ORDER),
        policies(tenantId, '2025-11-20', [
          { from: '2025-04-01', policy: 'outbound-only' },
          { from: '2025-10-16', policy: 'all' },
        ]),
      ];
    case '2026-02':
      return licences('2026-02-01', ...FIRST_ORDER, ADD_ON, ...RENEWAL, LATE_ORDER, SECOND_RENEWAL);
    default:
      return [];
  }
}

function policies(
  tenantId: string,
  day: string,
  starts: Extract<Step, { kind: 'policies' }>['starts'],
): Extract<Step, { kind: 'policies' }> {
  return { kind: 'policies', tenantId, at: at(day, 12), starts };
}
