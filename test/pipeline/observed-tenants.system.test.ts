/**
 * What alerts and the overview see of a tenant is what the api answers of its quota and its true-up.
 */
import { changeLicences, tenantQuota, tenantTrueUp } from '@tally/figures';
import { addDays, type Day, type LicenceLine } from '@tally/metering';
import { observeTenants } from '@tally/watch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshTenant, TestSystem } from '../support/system.ts';
import { type WrittenEvent, WrittenLog } from '../support/written-log.ts';

const TODAY: Day = '2026-03-10';
let system: TestSystem;
let log: WrittenLog;

beforeAll(async () => {
  system = await TestSystem.create('observed');
  log = await WrittenLog.open(system, 4);
});

afterAll(() => system.close());

const people = (packSize: number, startsOn: Day): LicenceLine => ({
  sku: 'ci-interacted-people-t1',
  quantity: 1,
  packSize,
  startsOn,
  endsOn: null,
});
type Events = Omit<WrittenEvent, 'tenantId'>[];
const times = (count: number, event: (index: number) => Events[number]): Events =>
  Array.from({ length: count }, (_, index) => event(index));

const cases: [string, line: LicenceLine, events: Events, today?: Day][] = [
  [
    'the next licence year begins in this month',
    people(1, '2025-03-15'),
    times(30, () => ({ entity: 1, day: '2026-03-05' })),
  ],
  ['it began in this month', people(1, '2025-03-10'), times(30, () => ({ entity: 1, day: '2026-03-05' }))],
  [
    'something is told of tomorrow',
    people(10, '2025-01-01'),
    [
      { entity: 1, day: TODAY },
      { entity: 2, day: addDays(TODAY, 1) },
    ],
  ],
  [
    'the first came nine days ago',
    people(30, '2025-01-01'),
    times(10, (index) => ({ entity: index, day: addDays(TODAY, -index) })),
  ],
  [
    'the first came three days ago',
    people(30, '2025-01-01'),
    times(4, (index) => ({ entity: index, day: addDays(TODAY, -index) })),
  ],
  [
    'the first were as many as are owned',
    people(2, '2025-01-01'),
    times(3, (entity) => ({ entity, day: addDays(TODAY, -4) })),
  ],
  [
    'the first were there and gone before',
    people(5, '2025-01-01'),
    times(12, (index) => ({ entity: index, day: addDays('2025-03-01', 40 * index) })),
  ],
  [
    'the licence is of a 29 February, a day before the next one',
    people(3, '2024-02-29'),
    times(4, (entity) => ({ entity, day: '2028-02-28' })),
    '2028-02-28',
  ],
];

it.each(cases)('when %s', async (_, line, events, today = TODAY) => {
  const now = Date.parse(`${today}T12:00:00Z`);
  const tenantId = freshTenant('observed');
  const { clickhouse } = system;
  await changeLicences(clickhouse, { tenantId, now, by: 'ann', because: '', lines: [line] });
  await log.write(...events.map((event) => ({ tenantId, ...event })));
  await system.aggregate(() => now, { positions: async () => log.positions() });
  const [seen] = await observeTenants(clickhouse, { tenants: [tenantId], now });
  const { interactions, engagedPeople, unifiedPeople } = await tenantQuota(clickhouse, {
    tenantId,
    on: today,
    today,
  });
  expect(seen).toMatchObject({ interactions, engagedPeople, unifiedPeople });
  const startsOn = seen?.trueUp?.licenceYear.from ?? expect.fail('in no licence year');
  const { licenceYear, peopleToBuy, ...meters } = await tenantTrueUp(clickhouse, { tenantId, startsOn, today });
  const { from, until } = licenceYear;
  expect(seen?.trueUp).toEqual({ licenceYear: { from, until }, peopleToBuy, interactions: meters.interactions });
  expect(seen?.days.every(({ day }) => day <= today)).toBe(true);
});
