import { describe, expect, it, test } from 'vitest';
import { defaultRules, ownRulesOf, RULES, type Rule, ruleCatalogueOf, rulesInForce } from './rules.ts';

const named = (rules: readonly Rule[], name: string) => rules.find((rule) => rule.name === name);

describe('the catalogue of rules', () => {
  const [share] = RULES.rules;

  it.each<[string, unknown]>([
    ['a name twice', { version: 1, rules: [share, share] }],
    ['no version', { rules: [share] }],
    ['no rule', { version: 1, rules: [] }],
    ['a kind that is none', { version: 1, rules: [{ ...share, kind: 'guess' }] }],
    ['no level', { version: 1, rules: [{ ...share, levels: {} }] }],
    ['a level of 0', { version: 1, rules: [{ ...share, levels: { info: 0 } }] }],
    ['levels that do not rise', { version: 1, rules: [{ ...share, levels: { info: 0.9, critical: 0.9 } }] }],
    ['a field too many', { version: 1, rules: [{ ...share, daysMin: 3 }] }],
    ['a hysteresis that nothing leaves', { version: 1, rules: [{ ...share, hysteresis: 1 }] }],
  ])('with %s is refused', (_, written) => {
    expect(() => ruleCatalogueOf(written)).toThrow();
  });

  test('has rules for both, and each is in force by default', () => {
    expect(rulesInForce()).toEqual(defaultRules('tenant'));
    expect(rulesInForce([], 'operator')).toEqual(defaultRules('operator'));
    expect([...defaultRules('tenant'), ...defaultRules('operator')]).toEqual(RULES.rules);
  });
});

describe('own rules', () => {
  it.each<[string, Record<string, unknown>]>([
    ['switch one off', { name: 'unusual-volume', off: true }],
    ['have levels', { name: 'quota-share-engaged', levels: { critical: 0.95 } }],
    ['have days that fall', { name: 'projected-overrun-engaged', levels: { info: 90, critical: 7 } }],
    ['have other figures', { name: 'unusual-volume', weeks: 4, hysteresis: 0 }],
  ])('that %s are taken as they are written', (_, line) => {
    expect(ownRulesOf([line])).toEqual({ ok: true, lines: [line] });
  });

  it.each<[string, unknown, field: string, message: string | RegExp]>([
    ['no object', 7, '', /object/],
    ['no name', { off: true }, 'name', 'must be the name of a rule'],
    ['an unknown name', { name: 'x', off: true }, 'name', /^is not one of quota-share-interactions, /],
    ['a name of the operators', { name: 'consumer-lag-age', off: true }, 'name', /^is not one of/],
    ['off, but false', { name: 'unusual-volume', off: false }, 'off', 'must be true'],
    ['off, and more', { name: 'unusual-volume', off: true, weeks: 3 }, 'weeks', 'must be left out: the rule is off'],
    ['nothing', { name: 'unusual-volume' }, '', 'says nothing: give it "off" or what is otherwise'],
    ['another kind', { name: 'unusual-volume', kind: 'quota-share' }, 'kind', /^must be left out/],
    ['another meter', { name: 'quota-share-engaged', meter: 'unified' }, 'meter', /^must be left out/],
    ['a field too many', { name: 'quota-share-engaged', weeks: 4 }, '', /weeks/],
    ['a level too many', { name: 'quota-share-engaged', levels: { info: 0.5, fatal: 2 } }, 'levels', /fatal/],
    ['no levels', { name: 'quota-share-engaged', levels: {} }, 'levels', 'must have at least one level'],
    ['a level of 0', { name: 'quota-share-engaged', levels: { info: 0 } }, 'levels.info', 'must be more than 0'],
    ['a level in words', { name: 'quota-share-engaged', levels: { info: '80 %' } }, 'levels.info', 'must be a number'],
    [
      'levels that fall where more is worse',
      { name: 'quota-share-engaged', levels: { info: 0.9, warning: 0.8 } },
      'levels',
      'must rise from info to critical',
    ],
    [
      'levels that rise where less is worse',
      { name: 'projected-overrun-engaged', levels: { info: 10, warning: 20 } },
      'levels',
      'must fall from info to critical: less is worse',
    ],
    ['fewer weeks than needed', { name: 'unusual-volume', weeks: 3 }, 'weeksMin', 'must be at most weeks'],
    ['more weeks than are read', { name: 'unusual-volume', weeks: 9 }, 'weeks', 'must be at most 8'],
  ])('with %s are refused, and the line and field are named', (_, line, field, message) => {
    const expected = {
      line: 2,
      field,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    };
    const written = [{ name: 'quota-share-interactions', off: true }, line];
    expect(ownRulesOf(written)).toEqual({ ok: false, faults: [expected] });
  });

  test('name every fault at once, a name written twice too', () => {
    const written = [
      { name: 'unusual-volume', weeks: 0, deviationMin: 0.5 },
      { name: 'peak-overrun', off: true },
      { name: 'peak-overrun', hysteresis: 2 },
    ];
    const result = ownRulesOf(written);
    expect(result.ok ? [] : result.faults.map(({ line, field }) => `${line} ${field}`)).toEqual([
      '1 weeks',
      '1 deviationMin',
      '3 hysteresis',
      '3 name',
    ]);
    expect(ownRulesOf([written[1], written[1]])).toEqual({
      ok: false,
      faults: [{ line: 2, field: 'name', message: 'is in an earlier line already' }],
    });
  });

  test('replace what they name and leave the rest', () => {
    const rules = rulesInForce([
      { name: 'unusual-volume', off: true },
      { name: 'quota-share-engaged', levels: { critical: 0.95 } },
    ]);
    expect(named(rules, 'unusual-volume')).toBeUndefined();
    const before = named(RULES.rules, 'quota-share-engaged');
    expect(named(rules, 'quota-share-engaged')).toEqual({ ...before, levels: { critical: 0.95 } });
    expect(rules).toHaveLength(defaultRules('tenant').length - 1);
  });

  test('that do not fit the catalogue any more do not switch its rule off', () => {
    const rules = rulesInForce([
      { name: 'unusual-volume', gone: 4 },
      { name: 'never', off: true },
    ]);
    expect(rules).toEqual(defaultRules('tenant'));
  });
});
