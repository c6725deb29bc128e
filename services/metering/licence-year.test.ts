import { describe, expect, it } from 'vitest';
import { addDays } from './calendar.ts';
import type { LicenceLine } from './licence-lines.ts';
import { licenceYearOn } from './licence-year.ts';

const line = (startsOn: string, endsOn: string | null = null, sku = 'ci-base'): LicenceLine => ({
  sku,
  quantity: 1,
  startsOn,
  endsOn,
});

describe('the licence year of a day', () => {
  it.each([
    ['the first day', [line('2025-03-15')], '2025-03-15', '2025-03-15'],
    ['the day before it', [line('2025-03-15')], '2025-03-14', null],
    ['the last day of the first year', [line('2025-03-15')], '2026-03-14', '2025-03-15'],
    ['the first day of the second year', [line('2025-03-15')], '2026-03-15', '2026-03-15'],
    ['a year that begins on 29 February, a year later', [line('2024-02-29')], '2025-02-28', '2025-02-28'],
    ['the day before that', [line('2024-02-29')], '2025-02-27', '2024-02-29'],
    ['four years later it is the 29th again', [line('2024-02-29')], '2028-02-29', '2028-02-29'],
    ['the day before that, in a leap year', [line('2024-02-29')], '2028-02-28', '2027-02-28'],
    ['an add-on does not move the year', [line('2025-01-01'), line('2025-07-01')], '2025-08-01', '2025-01-01'],
    ['a renewal begins its own', [line('2024-01-01', '2025-02-01'), line('2025-02-01')], '2025-02-01', '2025-02-01'],
    ['the last day of what ends', [line('2024-01-01', '2025-02-01')], '2025-01-31', '2025-01-01'],
    ['the day on which it grants no more', [line('2024-01-01', '2025-02-01')], '2025-02-01', null],
    ['a trial has no year', [line('2025-01-01', null, 'trial')], '2025-02-01', null],
    ['a trial before a licence', [line('2025-01-01', null, 'trial'), line('2025-02-01')], '2025-03-01', '2025-02-01'],
    ['no licence at all', [], '2025-03-01', null],
  ])('%s', (_, lines, on, expected) => {
    expect(licenceYearOn(lines, on)?.from ?? null).toBe(expected);
  });

  it('leaves no day out and has none twice, also from a 29 February on', () => {
    const lines = [line('2024-02-29')];
    for (let day = '2024-02-29'; day < '2034-03-02'; day = addDays(day, 1)) {
      const year = licenceYearOn(lines, day);
      if (!year) throw new Error(`${day} is in no year`);
      expect(year.from <= day && day < year.until).toBe(true);
      expect(licenceYearOn(lines, year.until)?.from).toBe(year.until);
    }
  });
});
