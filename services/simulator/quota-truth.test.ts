import type { Interaction } from '@tally/schemas';
import { describe, expect, it } from 'vitest';
import { addMonths, dayText, parseDay } from './calendar.ts';
import { generateSends } from './generate.ts';
import { type LicensedTenant, licencesFor, type SimulatedLine } from './licences.ts';
import { quotaTruth, trueUpTruth } from './quota-truth.ts';
import { Truth } from './truth.ts';

const UNTIL = '2026-03-10';
const SEED = Math.floor(Math.random() * 2 ** 31);

function simulated(): Truth {
  const truth = new Truth();
  for (const send of generateSends({ seed: SEED, events: 4_000, until: new Date(`${UNTIL}T23:59:59.999Z`) })) {
    truth.add(send);
  }
  return truth;
}

/** So many people, one a day from a day on, in turns in two environments. */
function onePersonADay(from: string, people: number): Truth {
  const truth = new Truth();
  for (let number = 0; number < people; number++) {
    const value: Interaction = {
      ...{ eventId: `e${number}`, tenantId: 't', entityType: 'contact', entityId: `c${number}`, channel: 'email' },
      ...{ environmentId: number % 2 === 0 ? 'prod' : 'test', direction: 'outbound', journeyId: null, provider: null },
      occurredAt: Date.parse(`${dayText(parseDay(from) + number)}T12:00:00Z`),
    };
    truth.add({ kind: 'record', lane: 'client', record: { schema: 'Interaction', value } });
  }
  return truth;
}

const people = (packSize: number, startsOn: string, endsOn: string | null = null): SimulatedLine => ({
  ...{ sku: 'ci-interacted-people-t1', quantity: 1, packSize, startsOn, endsOn },
});
const licensed = (...lines: SimulatedLine[]): LicensedTenant => ({
  ...{ tenantId: 't', standing: 'over', yearFrom: lines[0]?.startsOn ?? '', lines },
});

describe(`the truth about people day by day (seed ${SEED})`, () => {
  it('is that of each day alone, leap days and runs of a year included', () => {
    const truth = simulated();
    const [first, last] = ['2025-02-20', '2027-04-01'];
    const days = truth.engagedDays(first, last);
    for (let day = parseDay(first); day <= parseDay(last); day += 5) {
      const alone = truth.engaged(dayText(day));
      for (const tenantId of truth.tenants()) {
        const there = days.get(tenantId)?.[day - parseDay(first)] ?? 0;
        expect([dayText(day), tenantId, there]).toEqual([dayText(day), tenantId, alone.get(tenantId)?.total ?? 0]);
      }
    }
  });

  it('keeps who came on 29 February up to 28 February', () => {
    const truth = onePersonADay('2024-02-28', 3);
    expect(truth.engagedDays('2025-02-27', '2025-03-01').get('t')).toEqual([3, 2, 0]);
    expect(['2025-02-27', '2025-02-28', '2025-03-01'].map((day) => truth.engaged(day).get('t')?.total ?? 0)).toEqual([
      3, 2, 0,
    ]);
  });
});

describe('the truth about quotas', () => {
  it('is of the tenant, each environment beside the others, and the month by its best day', () => {
    const tenant = licensed(people(4, '2026-01-01'), people(6, '2026-01-31', '2026-02-05'));
    expect(quotaTruth(onePersonADay('2026-01-28', 7), tenant, '2026-02-10')).toEqual({
      engagedPeople: { owned: 4, used: 7, remaining: 0, overage: 3, share: 7 / 4 },
      interactions: { owned: 100, used: 3, remaining: 97, overage: 0, share: 0.03 },
      unifiedPeople: { owned: 0, used: 0, remaining: 0, overage: 0, share: null },
      environments: {
        prod: {
          engagedPeople: { used: 4, others: 3 },
          interactions: { used: 2, others: 1 },
          unifiedPeople: { used: 0, others: 0 },
        },
        test: {
          engagedPeople: { used: 3, others: 4 },
          interactions: { used: 1, others: 2 },
          unifiedPeople: { used: 0, others: 0 },
        },
      },
    });
  });

  it('is for the worst day of the year, whatever was bought after it', () => {
    const tenant = licensed(people(4, '2026-01-28'), people(6, '2026-02-03'));
    expect(trueUpTruth(onePersonADay('2026-01-28', 7), tenant, { upTo: '2026-03-10' })).toMatchObject({
      engaged: { peak: 7, peakDay: '2026-02-03', shortfall: 2, shortfallDay: '2026-02-02' },
      interactions: { peak: 4, peakMonth: '2026-01', shortfallPeople: 0, shortfallMonth: null },
      peopleToBuy: 2,
      unifiedPeopleToBuy: 0,
    });
  });
});

describe('the simulated licences', () => {
  it('leave one tenant plenty, one little and one nothing, within the year they name', () => {
    const truth = simulated();
    const tenants = licencesFor(truth, UNTIL);
    expect(tenants.map(({ standing }) => standing)).toEqual(['comfortable', 'nearly used up', 'over']);
    const shares = tenants.map((tenant) => quotaTruth(truth, tenant, UNTIL).engagedPeople.share ?? 0);
    expect(shares[0]).toBeLessThanOrEqual(0.5);
    expect([(shares[1] ?? 0) > 0.9, (shares[1] ?? 0) <= 1]).toEqual([true, true]);
    expect(shares[2]).toBeGreaterThan(1);
    for (const { yearFrom } of tenants) {
      expect([yearFrom <= UNTIL, dayText(addMonths(parseDay(yearFrom), 12)) > UNTIL]).toEqual([true, true]);
    }
  });

  it('are for as many tenants as there are', () => {
    expect(licencesFor(new Truth(), UNTIL)).toEqual([]);
    expect(licencesFor(onePersonADay('2026-03-01', 5), UNTIL)).toHaveLength(1);
  });
});
