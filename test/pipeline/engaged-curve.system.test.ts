/**
 * Engaged people and monthly interactions on the real tables against a plain model that walks through every event for
 * every day: random histories with voids, late events, leap days and policies that change.
 */
import { engagedCurve, engagedCurves, engagedPeople, monthlyInteractions } from '@tally/figures';
import { always, POLICIES, type PolicyTimeline, timelineOf } from '@tally/metering';
import { dateTime64 } from '@tally/platform/clickhouse';
import { CHANNELS, type Channel, type Direction, ENTITY_TYPES, type EntityType } from '@tally/schemas';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf } from '../support/keys.ts';
import { runsOf } from '../support/some-of.ts';
import { freshTenant, TestSystem } from '../support/system.ts';
import { writeRows } from '../support/written-log.ts';

const SEED = 20_261_121;
const MS_PER_DAY = 86_400_000;
const FIRST = Date.UTC(2023, 1, 1);
const LAST = Date.UTC(2026, 2, 1);
const DAYS = (LAST - FIRST) / MS_PER_DAY + 1;
/** Days around which rules break: month and year ends, leap days. */
const EDGES = [0, 27, 28, 29, 30, 58, 333, 392, 393, 394, 395, 424, 758, 759, 760, DAYS - 2, DAYS - 1];

interface Event {
  entity: number;
  day: number;
  /** Milliseconds within the day. */
  time: number;
  channel: Channel;
  direction: Direction;
  voided: boolean;
}

const environmentOf = (entity: number): string => ['prod', 'test'][entity % 2] ?? 'prod';
const entityTypeOf = (entity: number): EntityType => ENTITY_TYPES[entity % 3] ?? 'contact';

const anyDay = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: -400, max: DAYS - 1 }));
const anyEvent: fc.Arbitrary<Event> = fc.record({
  entity: fc.nat(7),
  day: anyDay,
  time: fc.constantFrom(0, 1, MS_PER_DAY / 2, MS_PER_DAY - 1),
  channel: fc.constantFrom(...CHANNELS),
  direction: fc.constantFrom<Direction>('outbound', 'inbound'),
  voided: fc.boolean(),
});
const anyTimeline: fc.Arbitrary<PolicyTimeline> = fc
  .uniqueArray(fc.tuple(anyDay, fc.constantFrom(...POLICIES)), { maxLength: 3, selector: ([day]) => day })
  .map((starts) => timelineOf(starts.map(([day, policy]) => ({ from: dayText(day), policy }))));
const anyHistory = fc.record({ events: fc.array(anyEvent, { maxLength: 40 }), policies: anyTimeline });

function dayText(day: number): string {
  return new Date(FIRST + day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** The same day a year before; the last day of February where there is no 29th. */
function yearBefore(day: string): string {
  const year = Number(day.slice(0, 4)) - 1;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day.slice(5) === '02-29' && !leap ? `${year}-02-28` : `${year}${day.slice(4)}`;
}

/** By the rule's letter: the last policy that begins on or before the event's day. */
function counts({ day, direction, channel, voided }: Event, policies: PolicyTimeline): boolean {
  if (voided) return false;
  const policy = policies.findLast(({ from }) => from <= dayText(day))?.policy;
  return policy?.directions.includes(direction) === true && policy.channels.includes(channel);
}

interface Engaged {
  total: number;
  byEnvironment: Record<string, number>;
  byEntityType: Record<string, number>;
}

function engagedByModel(events: readonly Event[], policies: PolicyTimeline, day: string): Engaged {
  const after = yearBefore(day);
  const entities = new Set<number>();
  for (const event of events) {
    const on = dayText(event.day);
    if (counts(event, policies) && after < on && on <= day) entities.add(event.entity);
  }
  const engaged: Engaged = { total: entities.size, byEnvironment: {}, byEntityType: {} };
  for (const entity of entities) {
    const [environment, type] = [environmentOf(entity), entityTypeOf(entity)];
    engaged.byEnvironment[environment] = (engaged.byEnvironment[environment] ?? 0) + 1;
    engaged.byEntityType[type] = (engaged.byEntityType[type] ?? 0) + 1;
  }
  return engaged;
}

describe('engaged people', () => {
  let system: TestSystem;
  let positions = 0;
  let keys = 0;

  beforeAll(async () => {
    system = await TestSystem.create('engaged_curve');
  });

  afterAll(() => system.close());

  /** Writes what the consumer writes for such a history, into a tenant of its own. */
  async function write(events: readonly Event[]): Promise<string> {
    const tenantId = freshTenant('curve');
    const rows = events.flatMap(({ entity, day, time, channel, direction, voided }) => {
      // An entity's events are all in one partition.
      const partition = BigInt(entity % 4) << 40n;
      const position = partition + BigInt(++positions);
      const row = {
        position,
        tenant_id: tenantId,
        environment_id: environmentOf(entity),
        entity_type: entityTypeOf(entity),
        entity_id: `e${entity}`,
        entity_key: keyOf(tenantId, entity),
        event_id: `${position}`,
        event_key: keyOf('event', ++keys),
        channel,
        direction,
        occurred_at: dateTime64(FIRST + day * MS_PER_DAY + time),
        content_hash: 1,
      };
      const interaction = { ...row, outcome: 'counted' };
      return voided
        ? [
            interaction,
            { ...row, position: partition + BigInt(++positions), outcome: 'void', taken_back_position: position },
          ]
        : [interaction];
    });
    await writeRows(system.clickhouse, rows);
    return tenantId;
  }

  const range = { from: dayText(0), to: dayText(DAYS - 1) };

  it(`on every day of three years, and each month's interactions, are a plain model's (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, async ({ events, policies }) => {
        const tenantId = await write(events);
        const curve = await engagedCurve(system.clickhouse, { tenantId, ...range, policies });
        expect(curve).toHaveLength(DAYS);
        for (const { day, ...figure } of curve) {
          expect({ day, ...figure }).toEqual({ day, ...engagedByModel(events, policies, day) });
        }
        const months = { from: '2021-12', to: range.to.slice(0, 7) };
        for (const { month, total } of await monthlyInteractions(system.clickhouse, {
          tenantId,
          ...months,
          policies,
        })) {
          const counted = events.filter((event) => dayText(event.day).startsWith(month) && counts(event, policies));
          expect([month, total]).toEqual([month, counted.length]);
        }
      }),
      { seed: SEED, numRuns: runsOf(10, 30) },
    );
  });

  it('are a plain model’s for several tenants at once, and where voids are more than a question can list', async () => {
    const few = fc.record({ events: fc.array(anyEvent, { minLength: 20, maxLength: 20 }) });
    const many = fc.record({ events: fc.array(anyEvent, { minLength: 1_500, maxLength: 1_500, size: 'max' }) });
    const histories = [few, few, many].flatMap((of, index) => fc.sample(of, { seed: SEED + index, numRuns: 1 }));
    expect(histories[2]?.events.filter(({ voided }) => voided).length).toBeGreaterThan(500);
    const byTenant = new Map<string, Event[]>();
    for (const { events } of histories) byTenant.set(await write(events), events);
    const policies = always();
    const curves = await engagedCurves(system.clickhouse, { tenants: [...byTenant.keys()], ...range, policies });
    for (const [tenantId, events] of byTenant) {
      for (const { day, ...figure } of curves.get(tenantId) ?? expect.fail(`no curve of ${tenantId}`)) {
        expect({ day, ...figure }).toEqual({ day, ...engagedByModel(events, policies, day) });
      }
    }
  });

  it('asked for day by day are those of the curve', async () => {
    const [history] = fc.sample(fc.record({ events: fc.array(anyEvent, { minLength: 40 }), policies: anyTimeline }), {
      seed: SEED,
      numRuns: 1,
    });
    const { events, policies } = history ?? expect.fail('no sample');
    const tenantId = await write(events);
    const curve = await engagedCurve(system.clickhouse, { tenantId, ...range, policies });
    // Every ninth day (in a usual run, every 45th), and the three days around each edge.
    const every = runsOf(45, 9);
    const asked = curve.filter((_, index) => index % every === 0 || EDGES.some((edge) => Math.abs(edge - index) <= 1));
    expect(asked.length).toBeGreaterThan(DAYS / every + EDGES.length);
    for (const { day, ...figure } of asked) {
      expect(await engagedPeople(system.clickhouse, { tenantId, day, policies })).toEqual(figure);
    }
  });
});
