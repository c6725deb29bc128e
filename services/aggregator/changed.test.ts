import type { ActiveEnvironment, Seen, TenantDays } from '@tally/figures';
import { describe, expect, it } from 'vitest';
import { periodsOf, shareOfDay, type Today, type Work, workOf } from './changed.ts';

const EVENTS = 'tally.interactions.v1';
const PROFILES = 'tally.profiles.v1';

/** `tenant/environment`, its last change at an offset. */
function active(place: string, last: number, change: Partial<ActiveEnvironment> = {}): ActiveEnvironment {
  const [tenantId = '', environmentId = ''] = place.split('/');
  return { tenantId, environmentId, topic: EVENTS, epoch: 1, partition: 0, last, ...change };
}

function profiles(place: string, last: number, partition = 0): ActiveEnvironment {
  return active(place, last, { topic: PROFILES, epoch: 2, partition });
}

function seen(change: Partial<Seen> = {}): Seen {
  return {
    epochs: { [EVENTS]: 1, [PROFILES]: 2 },
    positions: { [`${EVENTS}/0`]: 10, [`${EVENTS}/1`]: 20, [`${PROFILES}/0`]: 5 },
    failed: new Set(),
    startedAt: 0,
    ...change,
  };
}

function today(
  change: { [Name in keyof Today]?: Today[Name] extends ReadonlySet<string> ? string[] : Today[Name] },
): Today {
  const { otherPolicies = [], otherRules = [], engagedDone = [], unifiedDone = [], share = 1 } = change;
  return {
    profilesTopic: PROFILES,
    otherPolicies: new Set(otherPolicies),
    otherRules: new Set(otherRules),
    engagedDone: new Set(engagedDone),
    unifiedDone: new Set(unifiedDone),
    share,
  };
}

const allDone = today({ engagedDone: ['a', 'b', 'c'], unifiedDone: ['a', 'b', 'c'] });

/** `tenant`, `!` for everything, `~` where unified people are asked about, then the environments worked out. */
function told({ tenants }: Work): string[] {
  return tenants.map(({ tenantId, profileEnvironments, unified, everything }) =>
    [`${tenantId}${everything ? '!' : ''}${unified ? '~' : ''}`, ...profileEnvironments].join(' '),
  );
}

describe('workOf', () => {
  it('takes everything of all tenants at once the first time, however long the day is spread', () => {
    const all = [active('a/prod', 0), active('b/prod', 9), profiles('b/prod', 0), profiles('b/test', 4)];
    const work = workOf(all, undefined, today({ share: 0 }));
    expect(work).toMatchObject({ scope: 'all', waiting: 0 });
    expect(told(work)).toEqual(['a!', 'b!~ prod test']);
  });

  it('takes nothing when nobody was ever active', () => {
    expect(workOf([], undefined, allDone).tenants).toEqual([]);
    expect(workOf([], seen(), allDone)).toMatchObject({ scope: 'changed', tenants: [] });
  });

  it.each([
    ['just before what was seen', active('a/prod', 9), []],
    ['just after what was seen', active('a/prod', 10), ['a']],
    ['on another partition, before what was seen there', active('a/prod', 19, { partition: 1 }), []],
    ['on another partition, after what was seen there', active('a/prod', 20, { partition: 1 }), ['a']],
    ['on a partition that was not seen', active('a/prod', 0, { partition: 2 }), ['a']],
    [
      'in an epoch that was opened since, at an offset that the one before had',
      active('a/prod', 3, { epoch: 3 }),
      ['a'],
    ],
    ['in an epoch that was over', active('a/prod', 99, { epoch: 0 }), []],
    ['a profile record before', profiles('a/prod', 4), []],
    ['a profile record after', profiles('a/prod', 5), ['a~ prod']],
  ])('takes a tenant that changed since the last run: %s', (_, change, expected) => {
    expect(told(workOf([change], seen(), allDone))).toEqual(expected);
  });

  it('takes a tenant once, whichever of its environments and partitions changed', () => {
    const all = [
      active('a/prod', 10),
      active('a/test', 3),
      active('a/test', 20, { partition: 1 }),
      active('b/prod', 1),
    ];
    expect(told(workOf(all, seen(), allDone))).toEqual(['a']);
    expect(told(workOf([profiles('a/prod', 5), profiles('a/prod', 7, 3)], seen(), allDone))).toEqual(['a~ prod']);
  });

  it('works out the profiles only of environments whose profile records changed', () => {
    const all = [active('a/prod', 99), profiles('a/prod', 4), profiles('a/test', 5)];
    expect(told(workOf(all, seen(), allDone))).toEqual(['a~ test']);
  });

  it('takes everything of a tenant that failed, with all its profiles', () => {
    const all = [active('a/prod', 0), profiles('a/prod', 0), profiles('a/test', 0), profiles('b/prod', 0)];
    expect(told(workOf(all, seen({ failed: new Set(['a']) }), allDone))).toEqual(['a!~ prod test']);
  });

  it('takes every month and day of a tenant whose policies changed, and no profiles', () => {
    const all = [active('a/prod', 0), profiles('a/prod', 0), active('b/prod', 0)];
    const { engagedDone, unifiedDone } = allDone;
    expect(told(workOf(all, seen(), { ...today({ otherPolicies: ['a'] }), engagedDone, unifiedDone }))).toEqual(['a!']);
  });

  it('asks about the unified people of a tenant whose rules changed', () => {
    const { engagedDone, unifiedDone } = allDone;
    const rules = { ...today({ otherRules: ['a'] }), engagedDone, unifiedDone };
    expect(told(workOf([active('a/prod', 0), profiles('a/prod', 0)], seen(), rules))).toEqual(['a~']);
  });

  describe('on a new day', () => {
    const ten = Array.from({ length: 10 }, (_, index) => active(`t${index}/prod`, 0));

    it.each([
      [0, 0],
      [0.05, 1],
      [0.3, 3],
      [0.31, 4],
      [1, 10],
    ])('with %d of the day’s spread gone, takes tenants up to number %d', (share, count) => {
      const work = workOf(ten, seen(), today({ share }));
      expect(work.tenants.map(({ tenantId }) => tenantId)).toEqual(ten.slice(0, count).map(({ tenantId }) => tenantId));
      expect(work.waiting).toBe(10 - count);
    });

    it('takes no tenant again that has the day’s figure', () => {
      const work = workOf(ten, seen(), today({ share: 0.5, engagedDone: ['t0', 't1', 't7'] }));
      expect(told(work)).toEqual(['t2', 't3']);
      expect(work.waiting).toBe(5);
    });

    it('takes those that changed beside the share', () => {
      const all = [...ten, active('u/prod', 10)];
      expect(told(workOf(all, seen(), today({ share: 0 })))).toEqual(['u']);
    });

    it('asks about unified people only where there are profile records', () => {
      expect(told(workOf([active('a/prod', 0), profiles('b/prod', 0)], seen(), today({})))).toEqual(['a', 'b~']);
    });
  });
});

describe('shareOfDay', () => {
  const at = (time: string): number => Date.parse(`2026-01-15T${time}Z`);
  it.each([
    ['00:00:00', 60, 0],
    ['00:15:00', 60, 0.25],
    ['01:00:00', 60, 1],
    ['23:00:00', 60, 1],
    ['00:00:00', 0, 1],
  ])('at %s, spread over %d minutes, is %d', (time, minutes, share) => {
    expect(shareOfDay(at(time), minutes * 60_000)).toBe(share);
  });
});

describe('periodsOf', () => {
  const today = '2026-03-15';
  const days: TenantDays = {
    first: '2025-01-10',
    months: ['2025-01', '2025-11', '2026-03'],
    changedFrom: '2025-11-30',
    changedMonths: ['2025-11', '2026-03'],
  };
  const unchanged: TenantDays = { ...days, changedFrom: undefined, changedMonths: [] };

  it.each([
    ['a late event re-opens its month, and every day from its own', days, today, ['2025-11', '2026-03'], '2025-11-30'],
    ['nothing new and today’s figure there: nothing', unchanged, today, [], undefined],
    ['a new day: today', unchanged, '2026-03-14', [], today],
    ['days without a run are caught up', unchanged, '2026-03-01', [], '2026-03-02'],
    ['a tenant without figures: from its first day', unchanged, undefined, [], '2025-01-10'],
    [
      'a change of today with days missing: from those',
      { ...days, changedFrom: today },
      '2026-03-12',
      days.changedMonths,
      '2026-03-13',
    ],
    [
      'an event of tomorrow: its month alone',
      { ...unchanged, changedFrom: '2026-03-16', changedMonths: ['2026-03'] },
      today,
      ['2026-03'],
      undefined,
    ],
    ['an event of tomorrow, nothing before: today too', { ...unchanged, first: '2026-03-16' }, undefined, [], today],
    [
      'an event of long ago: 36 months of days',
      { ...days, changedFrom: '2015-01-01' },
      today,
      days.changedMonths,
      '2023-03-15',
    ],
    ['no interactions: today', undefined, undefined, [], today],
    ['no interactions and today’s figure there: nothing', undefined, today, [], undefined],
  ])('%s', (_, known, engagedUpTo, months, engagedFrom) => {
    expect(periodsOf({ everything: false }, { days: known, engagedUpTo, today })).toEqual({ months, engagedFrom });
  });

  it('gives every month and day where everything is to be worked out', () => {
    const all = { months: days.months, engagedFrom: days.first };
    expect(periodsOf({ everything: true }, { days: unchanged, engagedUpTo: today, today })).toEqual(all);
  });
});
