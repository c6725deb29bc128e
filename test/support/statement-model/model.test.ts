import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { meterCases, recordsOf } from '../cases.ts';
import { dayNumber, dayText, startOf, yearsLater } from './days.ts';
import { StatementModel } from './model.ts';
import { allowanceOf, ownedOn } from './owned.ts';
import type { ModelLine, ModelRecord } from './steps.ts';
import { licenceYearOf } from './true-up.ts';

interface QuotaCase {
  name: string;
  licences: ModelLine[];
  expect: { on: string; engagedPeople: number; unifiedPeople: number; interactionsInMonth: number }[];
}

const quotaCases = JSON.parse(readFileSync(new URL('../../cases/quotas.json', import.meta.url), 'utf8')) as QuotaCase[];

const people = (packSize: number, startsOn: string, endsOn: string | null = null): ModelLine => ({
  sku: 'ci-interacted-people-t1',
  quantity: 1,
  packSize,
  startsOn,
  endsOn,
});

describe('the model of statements', () => {
  it.each(quotaCases)('owns what the worked case says: $name', ({ licences, expect: expectations }) => {
    for (const { on, engagedPeople, unifiedPeople, interactionsInMonth } of expectations) {
      expect({ on, ...ownedOn(licences, dayNumber(on)) }).toEqual({
        on,
        engaged: engagedPeople,
        unified: unifiedPeople,
      });
      expect(allowanceOf(licences, on.slice(0, 7))).toBe(interactionsInMonth);
    }
  });

  it.each(meterCases().map((one): [string, typeof one] => [one.name, one]))(
    'counts as the worked case says: %s',
    (_, one) => {
      const model = new StatementModel();
      model.take({ kind: 'records', records: recordsOf(one, (tenantId) => tenantId) });
      for (const wanted of one.expect) {
        const tenant = model.tenant(wanted.tenantId);
        if (wanted.meter === 'unified') {
          expect(tenant.unified().byEnvironment).toEqual(wanted.byEnvironment);
          continue;
        }
        const policy = wanted.policy === 'outbound-only' ? wanted.policy : 'all';
        tenant.decide([{ from: '2015-01-01', policy }]);
        if (wanted.meter === 'engaged') expect(tenant.engaged(wanted.asOf).total).toBe(wanted.total);
        else expect(tenant.interactions(wanted.month).byChannel).toEqual(wanted.byChannel);
      }
    },
  );

  it.each([
    ['2024-02-29', 1, '2025-02-28'],
    ['2024-02-29', 4, '2028-02-29'],
    ['2025-02-28', -1, '2024-02-28'],
    ['2025-03-01', -1, '2024-03-01'],
    ['2015-01-01', 20, '2035-01-01'],
  ])('knows that %s is, %d years later, %s', (day, years, later) => {
    expect(dayText(yearsLater(dayNumber(day), years))).toBe(later);
  });

  it.each(['2015-01-01', '2016-02-29', '2024-12-31', '2035-12-31'])('knows when %s begins', (day) => {
    expect(startOf(dayNumber(day))).toBe(Date.parse(`${day}T00:00:00Z`));
  });

  it.each([
    ['before the first line', [people(1, '2024-06-15')], '2024-06-14', undefined],
    ['on its first day', [people(1, '2024-06-15')], '2024-06-15', '2024-06-15'],
    ['on the last day of its first year', [people(1, '2024-06-15')], '2025-06-14', '2024-06-15'],
    ['on the first of its second', [people(1, '2024-06-15')], '2025-06-15', '2025-06-15'],
    [
      'with an add-on, by the earlier line',
      [people(1, '2024-09-01'), people(1, '2024-06-15')],
      '2024-12-01',
      '2024-06-15',
    ],
    [
      'on the day of a renewal, by the new line',
      [people(1, '2024-01-10', '2025-02-28'), people(1, '2025-02-28')],
      '2025-02-28',
      '2025-02-28',
    ],
    [
      'on the day before it, by the old one',
      [people(1, '2024-01-10', '2025-02-28'), people(1, '2025-02-28')],
      '2025-02-27',
      '2025-01-10',
    ],
    ['with a trial alone', [{ ...people(1, '2024-01-01'), sku: 'trial' }], '2024-06-01', undefined],
    ['bought on a leap day', [people(1, '2024-02-29')], '2025-02-28', '2025-02-28'],
  ])('knows the licence year: %s', (_, lines, day, from) => {
    const year = licenceYearOf(lines, dayNumber(day));
    expect(year === undefined ? undefined : dayText(year)).toBe(from);
  });

  it('states what is known, and adjusts what had been stated', () => {
    const model = new StatementModel();
    let ids = 0;
    const sent = (entityId: string, day: string, eventId = `e${ids++}`): ModelRecord => ({
      schema: 'Interaction',
      value: {
        ...{ tenantId: 't', environmentId: 'prod', entityType: 'contact', entityId, eventId, channel: 'email' },
        ...{ direction: 'outbound', occurredAt: Date.parse(`${day}T12:00:00Z`), journeyId: null, provider: null },
      },
    });
    const taken = (entityId: string, eventId: string): ModelRecord => ({
      schema: 'InteractionVoided',
      value: {
        ...{ tenantId: 't', environmentId: 'prod', entityType: 'contact', entityId, eventId },
        ...{ voidedAt: 0, reason: 'never sent' },
      },
    });
    const issue = (month: string) => model.take({ kind: 'issue', tenantId: 't', month, at: 0 });
    model.take({ kind: 'licences', tenantId: 't', at: 0, lines: [people(2, '2024-01-15')] });
    const first = ['a', 'b', 'c'].map((entity) => sent(entity, '2024-01-20', `${entity}-1`));
    model.take({ kind: 'records', records: [...first, sent('a', '2024-01-21'), sent('a', '2024-02-01')] });
    expect(issue('2024-01')).toMatchObject({
      number: 1,
      interactions: { owned: 20, used: 4, peakDay: { day: '2024-01-20', used: 3 } },
      engagedPeople: { used: 3, peak: { day: '2024-01-20' }, worst: { day: '2024-01-20', overage: 1 } },
      licenceYear: {
        from: '2024-01-15',
        until: '2025-01-15',
        engagedPeople: { peak: 3, shortfall: 1 },
        peopleToBuy: 1,
      },
      adjustments: [],
    });
    // One person of January is taken back, one of November comes late; one event goes and one comes: all is as it was.
    const exchanged = [taken('c', 'c-1'), sent('d', '2023-11-30', 'd-1'), sent('b', '2024-01-31')];
    model.take({ kind: 'records', records: exchanged });
    expect(issue('2024-02')?.adjustments).toEqual([]);
    model.take({ kind: 'records', records: [sent('a', '2024-01-31', 'late'), taken('d', 'd-1')] });
    expect(issue('2024-03')?.adjustments).toEqual([
      { month: '2024-01', figure: 'interactions', stated: 4, known: 5, difference: 1 },
      { month: '2024-01', figure: 'engagedPeople', stated: 3, known: 2, difference: -1 },
      { month: '2024-01', figure: 'engagedPeoplePeak', stated: 3, known: 2, difference: -1 },
      { month: '2024-02', figure: 'engagedPeople', stated: 3, known: 2, difference: -1 },
      { month: '2024-02', figure: 'engagedPeoplePeak', stated: 3, known: 2, difference: -1 },
    ]);
    // What was adjusted once is adjusted from there.
    model.take({ kind: 'records', records: [taken('a', 'late')] });
    expect(issue('2024-04')?.adjustments).toEqual([
      { month: '2024-01', figure: 'interactions', stated: 5, known: 4, difference: -1 },
    ]);
    expect(issue('2024-05')?.adjustments).toEqual([]);
  });
});
