import { describe, expect, it, test } from 'vitest';
import { CATALOGUE, catalogueOf } from './catalogue.ts';
import { environmentOn, environmentsOf } from './environments.ts';
import { type LicenceLine, licenceLinesOf } from './licence-lines.ts';
import { trialsOn } from './trials.ts';

const base = { sku: 'ci-base', quantity: 1, startsOn: '2026-01-01' };

describe('licence lines', () => {
  test('are taken as they are written, open without an end', () => {
    expect(licenceLinesOf([base, { ...base, sku: 'trial', packSize: 5, endsOn: '9999-12-31' }])).toEqual({
      ok: true,
      lines: [
        { ...base, endsOn: null },
        { ...base, sku: 'trial', packSize: 5, endsOn: '9999-12-31' },
      ],
    });
    expect(licenceLinesOf([{ ...base, packSize: null, endsOn: null }])).toEqual({
      ok: true,
      lines: [{ ...base, endsOn: null }],
    });
  });

  it.each<[string, unknown, [field: string, message: string][]]>([
    ['an unknown SKU', { ...base, sku: 'ci-bse' }, [['sku', 'is not one of ci-base, ']]],
    ['no SKU', { ...base, sku: undefined }, [['sku', 'must be a SKU']]],
    ['no pack size', { ...base, sku: 'ci-unified-people' }, [['packSize', 'is missing']]],
    ['a pack size of 0', { ...base, sku: 'trial', packSize: 0 }, [['packSize', 'must be at least 1']]],
    ['a pack size without packs', { ...base, packSize: 5 }, [['packSize', 'must be left out']]],
    ['a quantity of 0', { ...base, quantity: 0 }, [['quantity', 'must be at least 1']]],
    ['half a unit', { ...base, quantity: 1.5 }, [['quantity', 'must be a whole number']]],
    ['a quantity as text', { ...base, quantity: '1' }, [['quantity', 'must be a whole number']]],
    ['a day that does not exist', { ...base, startsOn: '2026-02-29' }, [['startsOn', 'must be a day']]],
    ['an end before the start', { ...base, endsOn: '2025-12-31' }, [['endsOn', 'must be after startsOn']]],
    ['an end on the start, so no day', { ...base, endsOn: '2026-01-01' }, [['endsOn', 'must be after startsOn']]],
    ['a field too many', { ...base, price: 1 }, [['', 'price']]],
    ['no object', 'ci-base', [['', 'object']]],
    ['nothing', null, [['', 'object']]],
    [
      'everything wrong',
      { sku: 'ci-unified-people', quantity: -1, startsOn: '2026-01-01', endsOn: '2025-01-01' },
      [
        ['quantity', 'must be at least 1'],
        ['packSize', 'is missing'],
        ['endsOn', 'must be after startsOn'],
      ],
    ],
  ])('are refused with %s', (_, line, faults) => {
    expect(licenceLinesOf([base, line])).toEqual({
      ok: false,
      faults: faults.map(([field, message]) => ({ line: 2, field, message: expect.stringContaining(message) })),
    });
  });
});

describe('the catalogue', () => {
  it.each([
    ['a SKU twice', [...CATALOGUE.products, CATALOGUE.products[0]]],
    ['a grant of a pack without packs', [{ sku: 'x', title: 'X', engagedPeople: 'pack' }]],
    ['a field that grants nothing', [{ sku: 'x', title: 'X', peolpe: 1 }]],
    ['no product', []],
  ])('is refused with %s', (_, products) => {
    expect(() => catalogueOf({ version: 1, products })).toThrow();
    expect(() => catalogueOf({ version: 1, products: CATALOGUE.products })).not.toThrow();
  });
});

describe('trials', () => {
  const trial = (startsOn: string, endsOn: string | null): LicenceLine => ({
    sku: 'trial',
    quantity: 1,
    startsOn,
    endsOn,
  });
  const ended = trial('2025-01-01', '2025-02-01');
  const version = (day: string, ...lines: LicenceLine[]) => ({ changedAt: Date.parse(`${day}T09:00:00Z`), lines });

  it.each([
    ['2024-12-31', 'to-come'],
    ['2025-01-01', 'running'],
    ['2025-01-31', 'running'],
    ['2025-02-01', 'ended'],
    ['2035-01-01', 'ended'],
  ])('on %s are %s', (on, state) => {
    expect(trialsOn([version('2024-01-01', ended)], on)).toEqual([{ ...ended, state }]);
  });

  it('stay listed when they had ended before they were left out, once', () => {
    const versions = [version('2026-01-01'), version('2025-02-01', ended), version('2024-01-01', ended)];
    expect(trialsOn(versions, '2026-01-01')).toEqual([{ ...ended, state: 'ended' }]);
    const onItsEnd = [version('2025-02-01'), version('2024-01-01', ended)];
    expect(trialsOn(onItsEnd, '2026-01-01')).toEqual([{ ...ended, state: 'ended' }]);
  });

  it('are gone when they were taken back before their end, or corrected', () => {
    const [open, shorter] = [trial('2025-01-01', null), trial('2025-01-01', '2025-03-01')];
    expect(trialsOn([version('2025-01-31'), version('2025-01-01', ended)], '2026-01-01')).toEqual([]);
    expect(trialsOn([version('2025-01-31', shorter), version('2025-01-01', open)], '2025-01-31')).toEqual([
      { ...shorter, state: 'running' },
    ]);
  });

  it('are no other lines', () => {
    expect(trialsOn([version('2024-01-01', { ...ended, sku: 'ci-base' })], '2025-01-01')).toEqual([]);
  });
});

describe('environments', () => {
  const prod = { id: 'prod', name: 'Production', type: 'production', geo: 'eu', startsOn: '2026-01-01' };

  it.each<[string, object, string, string]>([
    ['an id that no event can have', { ...prod, id: 'a b' }, 'id', 'is not an environment id'],
    ['an unknown type', { ...prod, id: 'x', type: 'test' }, 'type', 'must be one of production, '],
    ['no name', { ...prod, id: 'x', name: ' ' }, 'name', 'must not be empty'],
    ['an end on its first day', { ...prod, id: 'x', endsOn: '2026-01-01' }, 'endsOn', 'must be after startsOn'],
    ['days of the same one', { ...prod, startsOn: '2026-05-01' }, 'startsOn', 'on the same days in line 1'],
  ])('are refused with %s', (_, line, field, message) => {
    expect(environmentsOf([prod, line])).toEqual({
      ok: false,
      faults: [{ line: 2, field, message: expect.stringContaining(message) }],
    });
  });

  it('may follow one another without a day between, in any order', () => {
    const [early, late] = [
      { ...prod, endsOn: '2026-03-01' },
      { ...prod, startsOn: '2026-03-01' },
    ];
    expect([environmentsOf([early, late]).ok, environmentsOf([late, early]).ok]).toEqual([true, true]);
  });

  it.each([
    ['2025-12-31', 'trial'],
    ['2026-01-01', 'trial'],
    ['2026-02-01', 'trial'],
    ['2026-02-28', 'trial'],
    ['2026-03-01', 'production'],
    ['2030-01-01', 'production'],
    ['2030-02-01', 'sandbox'],
    ['2030-03-01', 'sandbox'],
  ])('that became others are what they were on %s, or last before: %s', (on, type) => {
    const checked = environmentsOf([
      { ...prod, startsOn: '2026-03-01', endsOn: '2030-02-01' },
      { ...prod, type: 'trial', endsOn: '2026-02-01' },
      { ...prod, type: 'sandbox', startsOn: '2030-02-01', endsOn: '2030-03-01' },
    ]);
    if (!checked.ok) return expect.fail(JSON.stringify(checked.faults));
    expect(environmentOn(checked.lines, 'prod', on)?.type).toBe(type);
    expect(environmentOn(checked.lines, 'other', on)).toBeUndefined();
  });
});
