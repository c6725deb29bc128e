import { describe, expect, it, test } from 'vitest';
import { entitlementsOn, interactionAllowance } from './entitlements.ts';
import type { LicenceLine } from './licence-lines.ts';

const line = (sku: string, more: Partial<LicenceLine> = {}): LicenceLine => ({
  sku,
  quantity: 1,
  startsOn: '2026-01-01',
  endsOn: null,
  ...more,
});
const people = (packSize: number, more: Partial<LicenceLine> = {}): LicenceLine =>
  line('ci-interacted-people-t1', { packSize, ...more });

describe('a line grants from its first day until its end', () => {
  it.each([
    ['2026-01-14', 0],
    ['2026-01-15', 10_000],
    ['2026-02-27', 10_000],
    ['2026-02-28', 0],
  ])('on %s: %i', (on, owned) => {
    const lines = [line('ci-base', { startsOn: '2026-01-15', endsOn: '2026-02-28' })];
    expect(entitlementsOn(lines, on).engagedPeople).toBe(owned);
  });

  it.each([
    ['2024-02-28', 0],
    ['2024-02-29', 10_000],
    ['2025-02-27', 10_000],
    ['2025-02-28', 0],
  ])('begun on a leap day, on %s: %i', (on, owned) => {
    const lines = [line('ci-base', { startsOn: '2024-02-29', endsOn: '2025-02-28' })];
    expect(entitlementsOn(lines, on).engagedPeople).toBe(owned);
  });

  it.each([
    ['the last day of the old one', '2026-12-31', 10_000],
    ['the first day of the renewal', '2027-01-01', 20_000],
    ['a gap of a day', '2028-01-01', 0],
    ['the day after the gap', '2028-01-02', 10_000],
  ])('renewed, on %s', (_, on, owned) => {
    const lines = [
      line('ci-base', { endsOn: '2027-01-01' }),
      line('ci-base', { quantity: 2, startsOn: '2027-01-01', endsOn: '2028-01-01' }),
      line('ci-base', { startsOn: '2028-01-02' }),
    ];
    expect(entitlementsOn(lines, on).engagedPeople).toBe(owned);
  });

  test('lines that overlap add up, also the same line twice', () => {
    expect(entitlementsOn([line('ci-base'), line('ci-base')], '2026-05-05')).toMatchObject({
      engagedPeople: 20_000,
      unifiedPeople: 200_000,
      dataverse: { base: 1, addOnUnits: 0 },
      outboundMarketingInstalls: 4,
    });
  });
});

describe('each product, two units of 100', () => {
  it.each([
    ['ci-base', 20_000, 200_000, 1, 0, 4],
    ['ci-base-attach', 20_000, 200_000, 1, 0, 4],
    ['ci-interacted-people-t1', 200, 0, 0, 2, 0],
    ['ci-interacted-people-t2', 200, 0, 0, 2, 0],
    ['ci-interacted-people-t3', 200, 0, 0, 2, 0],
    ['ci-unified-people', 0, 200, 0, 2, 0],
    ['ci-sending-burst-500k', 0, 0, 0, 0, 0],
    ['marketing-standalone', 200, 0, 0, 0, 2],
    ['marketing-additional-app', 0, 0, 0, 0, 2],
    ['ci-standalone', 0, 200, 0, 0, 0],
    ['trial', 200, 0, 0, 0, 0],
    ['not-in-the-catalogue', 0, 0, 0, 0, 0],
  ])('%s grants %i engaged and %i unified people', (sku, engagedPeople, unifiedPeople, base, addOnUnits, installs) => {
    expect(entitlementsOn([line(sku, { quantity: 2, packSize: 100 })], '2026-01-01')).toEqual({
      engagedPeople,
      unifiedPeople,
      dataverse: { base, addOnUnits },
      emailPerHour: 'standard',
      outboundMarketingInstalls: installs,
    });
  });

  test('a trial without a pack size grants nobody', () => {
    expect(entitlementsOn([line('trial')], '2026-01-01').engagedPeople).toBe(0);
  });

  test('installations of legacy and current licences add up', () => {
    const legacy = line('marketing-standalone', { quantity: 2, packSize: 1 });
    const lines = [legacy, line('marketing-additional-app', { quantity: 3 }), line('ci-base', { quantity: 9 })];
    expect(entitlementsOn([...lines, line('ci-base-attach')], '2026-01-01').outboundMarketingInstalls).toBe(9);
  });
});

describe('the e-mail throughput of 500,000 an hour', () => {
  const burst = line('ci-sending-burst-500k');
  const base = line('ci-base');
  it.each<[string, LicenceLine[], 500_000 | 'standard']>([
    ['nothing', [], 'standard'],
    ['a base and one person too few', [base, people(489_999)], 'standard'],
    ['a base and 500,000 people', [base, people(490_000)], 500_000],
    ['an attached base and 500,000 people', [line('ci-base-attach'), people(490_000)], 500_000],
    ['500,000 people and no base', [people(500_000)], 'standard'],
    ['a base and 490,000 people of a trial', [base, line('trial', { packSize: 490_000 })], 500_000],
    ['a base and the burst', [base, burst], 500_000],
    ['the burst and no base', [burst], 'standard'],
    ['a base, and a burst that has ended', [base, { ...burst, endsOn: '2026-02-01' }], 'standard'],
    ['one active contact too few', [line('marketing-standalone', { packSize: 9_999_999 })], 'standard'],
    ['10,000,000 active contacts', [line('marketing-standalone', { packSize: 10_000_000 })], 500_000],
    [
      '10,000,000 active contacts in all',
      [
        line('marketing-standalone', { quantity: 3, packSize: 3_000_000 }),
        line('marketing-standalone', { packSize: 1_000_000 }),
      ],
      500_000,
    ],
    [
      'people beside active contacts, which are none',
      [line('marketing-standalone', { packSize: 9_999_999 }), people(1_000_000)],
      'standard',
    ],
  ])('with %s', (_, lines, emailPerHour) => {
    expect(entitlementsOn(lines, '2026-02-01').emailPerHour).toBe(emailPerHour);
  });
});

describe('the interaction allowance of a month', () => {
  const base = line('ci-base', { startsOn: '2026-01-01' });
  it.each<[string, LicenceLine[], string, number]>([
    ['nothing owned', [], '2026-05', 0],
    ['bought on its last day', [base, people(500, { startsOn: '2026-05-31' })], '2026-05', 105_000],
    ['bought on the day after', [base, people(500, { startsOn: '2026-06-01' })], '2026-05', 100_000],
    ['ended after its first day', [base, people(500, { endsOn: '2026-05-02' })], '2026-05', 105_000],
    ['ended on its first day', [base, people(500, { endsOn: '2026-05-01' })], '2026-05', 100_000],
    ['a leap day alone', [people(7, { startsOn: '2028-02-29', endsOn: '2028-03-01' })], '2028-02', 70],
    ['a day in its middle alone', [people(7, { startsOn: '2026-05-10', endsOn: '2026-05-11' })], '2026-05', 70],
    [
      'one after the other, never both',
      [
        people(3, { startsOn: '2026-05-01', endsOn: '2026-05-15' }),
        people(4, { startsOn: '2026-05-15', endsOn: '2026-05-20' }),
      ],
      '2026-05',
      40,
    ],
    [
      'both on one day',
      [
        people(3, { startsOn: '2026-05-01', endsOn: '2026-05-16' }),
        people(4, { startsOn: '2026-05-15', endsOn: '2026-05-20' }),
      ],
      '2026-05',
      70,
    ],
    ['an ended trial', [base, line('trial', { packSize: 100, endsOn: '2026-05-01' })], '2026-05', 100_000],
    ['unified people, which lend nothing', [line('ci-unified-people', { packSize: 50_000 })], '2026-05', 0],
  ])('with %s', (_, lines, month, allowance) => {
    expect(interactionAllowance(lines, month)).toBe(allowance);
  });
});
