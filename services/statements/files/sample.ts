/**
 * Statements for tests, each with what is hard to draw or to write: an overrun, nothing at all, many of everything.
 */
import { addToMonth, daysIn } from '@tally/metering';
import { sealed } from '../digest.ts';
import type { Statement, StatementContent } from '../document.ts';

const MONTH = '2026-10';
const CHANNELS = ['custom', 'email', 'form_submission', 'push', 'sms', 'voice'];
const HUGE = 1_234_567_890;

function quota(owned: number, used: number) {
  const share = owned === 0 ? null : used / owned;
  return { owned, used, remaining: Math.max(0, owned - used), overage: Math.max(0, used - owned), share };
}

function dayQuota(day: string, owned: number, used: number) {
  return { day, ...quota(owned, used) };
}

/** A tenant that was over its quotas in October 2026 and in two months before. */
export function overrunStatement(changes: Partial<StatementContent> = {}): Statement {
  return sealed({ ...overrunContent(), ...changes });
}

function overrunContent(): StatementContent {
  return {
    format: 1,
    tenantId: 'contoso',
    month: MONTH,
    number: 22,
    issuedAt: '2026-11-04T06:00:12.345Z',
    issuedBy: 'schedule',
    period: { firstDay: '2026-10-01', lastDay: '2026-10-31' },
    policy: 'all, outbound-only from 2026-10-15',
    ...overrunMeters(),
    licenceYear: {
      from: '2026-01-01',
      until: '2027-01-01',
      engagedPeople: { peak: 16_480, peakDay: '2026-10-17', shortfall: 1_480, shortfallDay: '2026-10-17' },
      interactions: { peak: 171_204, peakMonth: '2026-10', shortfallPeople: 2_121, shortfallMonth: '2026-10' },
      unifiedPeople: { peak: 84_210, peakDay: '2026-10-30', shortfall: 0, shortfallDay: null },
      peopleToBuy: 2_121,
      unifiedPeopleToBuy: 0,
    },
    adjustments: [
      { month: '2026-08', figure: 'interactions', stated: 131_040, known: 131_063, difference: 23 },
      { month: '2026-09', figure: 'interactions', stated: 152_004, known: 151_992, difference: -12 },
      { month: '2026-09', figure: 'engagedPeoplePeak', stated: 15_104, known: 15_106, difference: 2 },
    ],
    year: yearOf([60, 70, 82, 90, 88, 96, 104, 110, 121, 131, 152, 171], 1_000),
    licences: [
      { sku: 'ci-base', quantity: 1, startsOn: '2026-01-01', endsOn: '2027-01-01' },
      { sku: 'ci-interacted-people-t1', quantity: 1, packSize: 5_000, startsOn: '2026-07-01', endsOn: null },
    ],
    environments: [
      { id: 'prod', registered: true, name: 'Production Europe', type: 'production', geo: 'EU' },
      { id: 'sandbox', registered: true, name: 'Sandbox', type: 'sandbox', geo: 'EU' },
      { id: 'prod-jp', registered: false },
    ],
    evidence: {
      positions: { 'tally.interactions.v1/0': 1_099_511_627_775, 'tally.interactions.v1/1': 812_377 },
      epochs: { 'tally.interactions.v1': 2, 'tally.profiles.v1': 1 },
      licenceVersion: '17',
      catalogueVersion: 1,
      policies: [
        { from: '1970-01-01', policy: 'all' },
        { from: '2026-10-15', policy: 'outbound-only' },
      ],
      unified: [
        {
          day: '2026-10-31',
          publishedAt: '2026-11-01T00:10:00.000Z',
          positions: { 'tally.profiles.v1/0': 40_321 },
        },
      ],
    },
    previousDigest: `sha256:${'5d41402abc4b2a76b9719d911017c592'.repeat(2)}`,
  };
}

function overrunMeters(): Pick<StatementContent, 'interactions' | 'engagedPeople' | 'unifiedPeople'> {
  return {
    interactions: {
      ...quota(150_000, 171_204),
      peakDay: { day: '2026-10-17', used: 9_120 },
      byChannel: { email: 120_001, sms: 20_200, push: 18_003, form_submission: 9_000, voice: 2_000, custom: 2_000 },
      byEnvironment: { prod: 150_000, sandbox: 1_204, 'prod-jp': 20_000 },
    },
    engagedPeople: {
      ...dayQuota('2026-10-31', 15_000, 16_212),
      byEnvironment: { prod: 14_212, sandbox: 100, 'prod-jp': 1_900 },
      byEntityType: { contact: 14_000, lead: 2_012, profile: 200 },
      peak: dayQuota('2026-10-17', 15_000, 16_480),
      worst: dayQuota('2026-10-17', 15_000, 16_480),
    },
    unifiedPeople: {
      ...dayQuota('2026-10-31', 100_000, 84_207),
      known: true,
      byEnvironment: { prod: 80_000, 'prod-jp': 4_207 },
      peak: dayQuota('2026-10-30', 100_000, 84_210),
      worst: null,
    },
  };
}

/** A month for each of the twelve figures, the last being October 2026. */
function yearOf(figures: readonly number[], unit: number): Statement['year'] {
  return figures.map((used, index) => ({
    month: addToMonth(MONTH, index + 1 - figures.length),
    interactions: { used: used * unit + 204 * (index === 11 ? 1 : 0), owned: index < 8 ? 100_000 : 150_000 },
    engagedPeople: { used: Math.round((used * unit) / 10.4), owned: index < 8 ? 10_000 : 15_000 },
    unifiedPeople: { used: 70_000 + used * 80, owned: 100_000 },
  }));
}

/** A tenant without a licence, before anything happened: its first statement. */
export function emptyStatement(): Statement {
  const nothing = dayQuota('2026-10-31', 0, 0);
  const first = dayQuota('2026-10-01', 0, 0);
  const { evidence } = overrunContent();
  return sealed({
    ...overrunContent(),
    tenantId: 'fabrikam.trial',
    number: 1,
    policy: 'all',
    interactions: { ...quota(0, 0), peakDay: null, byChannel: {}, byEnvironment: {} },
    engagedPeople: { ...nothing, byEnvironment: {}, byEntityType: {}, peak: first, worst: null },
    unifiedPeople: { ...nothing, known: false, byEnvironment: {}, peak: first, worst: null },
    licenceYear: null,
    adjustments: [],
    year: yearOf(new Array(12).fill(0), 0).map(({ month }) => {
      const none = { used: 0, owned: 0 };
      return { month, interactions: none, engagedPeople: none, unifiedPeople: none };
    }),
    licences: [],
    environments: [],
    evidence: { ...evidence, positions: {}, epochs: {}, licenceVersion: null, policies: [], unified: [] },
    previousDigest: null,
  });
}

/** 100 environments, 40 licences and adjustments of every month, with names in many scripts and figures beyond a billion. */
export function crowdedStatement(): Statement {
  const content = overrunContent();
  const ids = Array.from({ length: 100 }, (_, index) => `env-${String(index).padStart(3, '0')}`);
  const each = (scale: number) =>
    Object.fromEntries(ids.map((id, index) => [id, (index * 7919) % 9973 === 0 ? 0 : scale * (index + 1)]));
  const figures = ['interactions', 'engagedPeople', 'engagedPeoplePeak', 'unifiedPeople', 'unifiedPeoplePeak'] as const;
  const days = (used: number) => dayQuota('2026-10-31', 10 * HUGE, used);
  return sealed({
    ...content,
    tenantId: 'northwind-traders.international.marketing-and-sales.subsidiaries',
    number: 1_234,
    issuedBy: 'émilie.çelik@northwind.example',
    interactions: {
      ...quota(HUGE, 9 * HUGE),
      peakDay: { day: '2026-10-05', used: HUGE },
      byChannel: Object.fromEntries(CHANNELS.map((channel, index) => [channel, HUGE + index])),
      byEnvironment: each(123_456),
    },
    engagedPeople: {
      ...days(HUGE),
      byEnvironment: each(12_345),
      byEntityType: { contact: HUGE, lead: HUGE, profile: HUGE, custom: HUGE, other: HUGE },
      peak: days(HUGE),
      worst: null,
    },
    unifiedPeople: {
      ...days(9 * HUGE),
      known: true,
      byEnvironment: each(1),
      peak: days(11 * HUGE),
      worst: days(11 * HUGE),
    },
    adjustments: content.year.slice(0, 11).flatMap(({ month }, index) =>
      figures.map((figure) => {
        const difference = index % 2 === 0 ? HUGE : -index;
        return { month, figure, stated: HUGE, known: HUGE + difference, difference };
      }),
    ),
    year: yearOf([9, 8, 7, 6, 5, 4, 3, 2, 1, 5, 7, 9], HUGE),
    licences: Array.from({ length: 40 }, (_, index) => ({
      sku: 'ci-interacted-people-t3',
      quantity: index + 1,
      packSize: 100_000,
      startsOn: `2026-${String((index % 12) + 1).padStart(2, '0')}-01`,
      endsOn: index % 3 === 0 ? null : `2027-02-${daysIn('2027-02')}`,
    })),
    environments: ids.map((id, index) => ({ id, registered: index % 5 !== 0, ...NAMES[index % NAMES.length] })),
  });
}

const NAMES: readonly { name?: string; type?: string; geo?: string }[] = [
  { name: '=HYPERLINK("http://example.invalid","click")', type: 'production', geo: 'EU' },
  { name: '東京の本番環境', type: 'production', geo: 'APAC' },
  { name: 'Производство Киев Ελλάδα', type: 'developer', geo: 'EU' },
  { name: 'بيئة الإنتاج', type: 'sandbox', geo: 'MEA' },
  { name: 'Launch 🚀 team \u202Etxt.exe', type: 'trial', geo: 'US' },
  {
    name: 'A name that somebody made much, much longer than any page could ever have the room to show in full',
    type: 'production',
  },
  { name: '"quoted", with commas\nand a line', type: 'sandbox', geo: '-1' },
  {},
];
