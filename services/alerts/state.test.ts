import { describe, expect, it, test } from 'vitest';
import { type AlertChange, alertChange } from './alert.ts';
import { findingsOf } from './evaluate.ts';
import { defaultRules, rulesInForce } from './rules.ts';
import { type AlertState, alertIdOf, alertStates, CHANGES_UNTIL_HELD, nextChanges } from './state.ts';
import { endOf, people, pipelineSeen, tenantSeen } from './test-observations.ts';

const RULES = defaultRules('tenant').filter(({ name }) => name === 'quota-share-interactions');
const OPERATORS = defaultRules('operator');
const lines = [people(1_000, '2026-01-01')];
const seen = (on: string, total: number) => tenantSeen({ on, lines, days: [{ day: `${on.slice(0, 7)}-01`, total }] });

const LATER = Date.parse('2026-11-29T00:00:00Z');

/** The steps in order: the changes that each makes, and the alerts at last. */
function after(steps: [on: string, total: number][], rules = RULES) {
  let known: AlertState[] = [];
  const changes: AlertChange[] = [];
  for (const [on, total] of steps) {
    const next = nextChanges(known, findingsOf(rules, seen(on, total)), { now: endOf(on), rules });
    known = alertStates(next, known);
    changes.push(...next);
  }
  return { known, changes, told: changes.map(({ change, alert }) => `${change} ${alert.period} ${alert.severity}`) };
}

describe('an alert', () => {
  it.each<[string, [string, number][], string[]]>([
    [
      'opens once',
      [
        ['2026-11-10', 8_000],
        ['2026-11-11', 8_100],
        ['2026-11-12', 8_999],
      ],
      ['opened 2026-11 info'],
    ],
    ['opens straight at its severity', [['2026-11-10', 12_000]], ['opened 2026-11 critical']],
    [
      'is raised step by step',
      [
        ['2026-11-10', 8_000],
        ['2026-11-11', 9_000],
        ['2026-11-12', 10_000],
      ],
      ['opened 2026-11 info', 'raised 2026-11 warning', 'raised 2026-11 critical'],
    ],
    [
      'does not flap',
      [
        ['2026-11-10', 8_000],
        ['2026-11-11', 7_840],
        ['2026-11-12', 8_000],
      ],
      ['opened 2026-11 info'],
    ],
    [
      'that is resolved and crosses again in its month is raised, and never opened again',
      [
        ['2026-11-10', 8_000],
        ['2026-11-11', 7_839],
        ['2026-11-12', 9_000],
      ],
      ['opened 2026-11 info', 'resolved 2026-11 info', 'raised 2026-11 warning'],
    ],
    [
      'is lowered',
      [
        ['2026-11-10', 10_000],
        ['2026-11-11', 8_500],
      ],
      ['opened 2026-11 critical', 'lowered 2026-11 info'],
    ],
    [
      'ends with its month, and a new month opens anew',
      [
        ['2026-11-30', 9_000],
        ['2026-12-01', 8_000],
      ],
      ['opened 2026-11 warning', 'resolved 2026-11 warning', 'opened 2026-12 info'],
    ],
    [
      'ends with its month where the new one is well',
      [
        ['2026-12-31', 9_000],
        ['2027-01-01', 1],
      ],
      ['opened 2026-12 warning', 'resolved 2026-12 warning'],
    ],
  ])('%s', (_, steps, told) => {
    expect(after(steps).told).toEqual(told);
  });

  test('is the shape that others read, and keeps when it opened, its worst and its last resolve', () => {
    const { changes } = after([
      ['2026-11-10', 10_000],
      ['2026-11-11', 1],
      ['2026-11-12', 8_000],
    ]);
    for (const change of changes) expect(alertChange.parse(change)).toEqual(change);
    expect(changes.at(-1)).toMatchObject({
      change: 'raised',
      at: '2026-11-12T23:59:59.000Z',
      alert: {
        state: 'open',
        severity: 'info',
        highestSeverity: 'critical',
        openedAt: '2026-11-10T23:59:59.000Z',
        resolvedAt: '2026-11-11T23:59:59.000Z',
        value: 0.8,
        threshold: 0.8,
        unit: 'share',
      },
    });
  });

  test('says why it ended', () => {
    const { changes } = after([
      ['2026-11-30', 9_000],
      ['2026-12-01', 1],
    ]);
    expect(changes[1]?.alert).toMatchObject({
      state: 'resolved',
      detail:
        'The period of this alert, 2026-11, is over. It last said: 90 % of the 10,000 interactions of 2026-11 are used.',
    });
  });

  test('whose rule is switched off is resolved', () => {
    const { known } = after([['2026-11-10', 9_000]]);
    const rules = rulesInForce([{ name: 'quota-share-interactions', off: true }]).filter(
      ({ kind }) => kind === 'quota-share',
    );
    const changes = nextChanges(known, findingsOf(rules, seen('2026-11-11', 9_000)), { now: LATER, rules });
    expect(changes).toMatchObject([{ change: 'resolved', alert: { detail: 'The rule was switched off.' } }]);
  });

  test('of which nothing is known stays', () => {
    const { known } = after([['2026-11-10', 9_000]]);
    expect(nextChanges(known, [], { now: LATER, rules: RULES })).toEqual([]);
  });

  test('that changed since the observation stays, so that somebody slower takes nothing back', () => {
    const { known } = after([
      ['2026-11-30', 9_000],
      ['2026-12-01', 9_000],
    ]);
    const late = { now: endOf('2026-11-30'), rules: RULES };
    expect(nextChanges(known, findingsOf(RULES, seen('2026-11-30', 9_000)), late)).toEqual([]);
    expect(nextChanges(known, findingsOf(RULES, seen('2026-12-01', 1)), late)).toEqual([]);
    expect(nextChanges(known, [], { ...late, rules: [] })).toEqual([]);
    const opened = after([['2026-11-12', 9_000]]).known;
    const before = { now: endOf('2026-11-11'), rules: RULES };
    expect(nextChanges(opened, findingsOf(RULES, seen('2026-11-11', 1)), before)).toEqual([]);
    const resolved = after([
      ['2026-11-10', 9_000],
      ['2026-11-12', 1],
    ]).known;
    expect(nextChanges(resolved, findingsOf(RULES, seen('2026-11-11', 9_000)), before)).toEqual([]);
  });

  test('whose quota is gone is resolved', () => {
    const { known } = after([['2026-11-10', 9_000]]);
    const findings = findingsOf(RULES, tenantSeen({ on: '2026-11-11', days: [{ day: '2026-11-01', total: 9_000 }] }));
    const changes = nextChanges(known, findings, { now: LATER, rules: RULES });
    expect(changes).toMatchObject([{ change: 'resolved', alert: { value: 0.9, title: 'No interactions are owned' } }]);
  });

  test('that has changed often only gets worse, until its month is over', () => {
    const steps = Array.from({ length: 40 }, (_, index): [string, number] => ['2026-11-10', index % 2 ? 1 : 8_000]);
    const { told } = after([...steps, ['2026-11-11', 10_000], ['2026-11-12', 1], ['2026-12-01', 1]]);
    expect(told).toHaveLength(CHANGES_UNTIL_HELD + 1 + 2);
    expect(told.slice(-4)).toEqual([
      'resolved 2026-11 info',
      'raised 2026-11 info',
      'raised 2026-11 critical',
      'resolved 2026-11 critical',
    ]);
  });
});

test('alerts are as their newest change left them, in whatever order and however often changes are read', () => {
  const { changes, known } = after([
    ['2026-11-10', 8_000],
    ['2026-11-11', 9_000],
    ['2026-11-12', 10_000],
  ]);
  for (const read of [changes, changes.toReversed(), [...changes, ...changes]])
    expect(alertStates(read)).toEqual(known);
  expect(known).toMatchObject([{ sequence: 3, alert: { severity: 'critical' } }]);
});

describe('an alert of the pipeline', () => {
  const lagOf = (on: string, age: number) =>
    pipelineSeen(on, { lag: [{ topic: 'interactions', records: 5, oldestAgeSeconds: age }] });

  function afterLags(steps: [on: string, age: number][]) {
    let known: AlertState[] = [];
    return steps.flatMap(([on, age]) => {
      const changes = nextChanges(known, findingsOf(OPERATORS, lagOf(on, age)), { now: endOf(on), rules: OPERATORS });
      known = alertStates(changes, known);
      return changes.map(({ change, alert }) => `${change} ${alert.period}`);
    });
  }

  test('is not told again at midnight, and opens anew on a later day', () => {
    const open = ['opened 2026-11-20'];
    expect(
      afterLags([
        ['2026-11-20', 400],
        ['2026-11-21', 400],
        ['2026-11-22', 200],
      ]),
    ).toEqual(open);
    const steps: [string, number][] = [
      ['2026-11-20', 400],
      ['2026-11-21', 9],
      ['2026-11-21', 400],
    ];
    expect(afterLags(steps)).toEqual([...open, 'resolved 2026-11-20', 'opened 2026-11-21']);
  });
});

describe('ids', () => {
  const key = { tenantId: 'contoso', rule: 'r', subject: 's', period: '2026-11' };

  test('are those of their tenant, rule, subject and period alone', () => {
    expect(alertIdOf(key)).toBe('677aee4ef4f214459a3cf5bc8b3ed5d6');
    const others = [
      { ...key, tenantId: null },
      { ...key, tenantId: 'contoso2' },
      { ...key, rule: 'rs', subject: '' },
      { ...key, period: '2026-12' },
    ];
    expect(new Set([key, ...others].map(alertIdOf)).size).toBe(5);
  });

  test('of changes are the alert’s, numbered, and the same when a decision is made again', () => {
    const { changes } = after([
      ['2026-11-10', 8_000],
      ['2026-11-11', 9_000],
    ]);
    const [first] = changes;
    expect(changes.map(({ id }) => id)).toEqual([`${first?.alert.id}-1`, `${first?.alert.id}-2`]);
    const again = nextChanges([], findingsOf(RULES, seen('2026-11-12', 9_500)), { now: 7, rules: RULES });
    expect(again[0]?.id).toBe(first?.id);
  });

  test('of tenants with the same figures differ', () => {
    const mine = seen('2026-11-10', 9_000);
    const ids = [mine, { ...mine, tenantId: 'fabrikam' }].map((one) => {
      const [change] = nextChanges([], findingsOf(RULES, one), { now: LATER, rules: RULES });
      return change?.id;
    });
    expect(new Set(ids).size).toBe(2);
  });
});
