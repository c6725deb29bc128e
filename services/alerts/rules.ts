/**
 * What is watched: the default rules are rules.json, checked when it is loaded; its version is raised with every change. A
 * tenant may switch a rule off or give it other figures, under the same name. (Rules: "Alerts".)
 */
import { type CheckedLines, checkLines, type LineFault } from '@tally/metering';
import { z } from 'zod';
import { SEVERITIES } from './alert.ts';
import type { Ladder, Levels } from './levels.ts';
import data from './rules.json' with { type: 'json' };

export const METERS = ['interactions', 'engaged', 'unified'] as const;
export type Meter = (typeof METERS)[number];

const PEOPLE_METERS = ['engaged', 'unified'] as const;
/** The observation of a tenant reaches nine weeks back: so many before yesterday and the day before it. */
const WEEKS_MAX = 8;
const HOURS_PER_DAY = 24;
const DAYS_PER_MONTH_MIN = 28;

const threshold = z.number('must be a number').positive('must be more than 0').optional();

const rising = (levels: Levels): boolean => ordered(levels, (before, after) => before < after);
const falling = (levels: Levels): boolean => ordered(levels, (before, after) => before > after);

function levels(inOrder: (levels: Levels) => boolean, message: string) {
  return z
    .strictObject({ info: threshold, warning: threshold, critical: threshold })
    .refine((written) => Object.values(written).some((one) => one !== undefined), 'must have at least one level')
    .refine(inOrder, message);
}

const RISING = levels(rising, 'must rise from info to critical');
const FALLING = levels(falling, 'must fall from info to critical: less is worse');

const common = {
  /** The same for ever: alerts are known by it. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  /** For a person. */
  title: z.string().min(1).max(200),
  /** As a share of a threshold: by how much a figure must be back on its good side before the level is left. */
  hysteresis: z.number('must be a number').min(0, 'must be at least 0').max(0.9, 'must be at most 0.9'),
};
const share = z.number('must be a number').min(0, 'must be at least 0').max(1, 'must be at most 1');
const whole = (min: number, max: number) =>
  z.int('must be a whole number').min(min, `must be at least ${min}`).max(max, `must be at most ${max}`);

const rule = z.discriminatedUnion('kind', [
  /** Used of owned; 1 is all of it. */
  z.strictObject({ ...common, kind: z.literal('quota-share'), meter: z.enum(METERS), levels: RISING }),
  /** The interactions projected for the month's end, of its allowance. */
  z.strictObject({
    ...common,
    kind: z.literal('projected-month'),
    levels: RISING,
    /** Days of the month that must have begun: one day says little about thirty. */
    daysMin: whole(1, DAYS_PER_MONTH_MIN),
  }),
  /** Days until people reach their quota at the pace of the last 28 days. */
  z.strictObject({
    ...common,
    kind: z.literal('projected-people'),
    meter: z.enum(PEOPLE_METERS),
    levels: FALLING,
    /** Below this share of the quota nothing is said: whoever begins grows quickly, and then slower. */
    shareMin: share,
  }),
  /** How many usual deviations a day is away from the same weekdays before it. */
  z
    .strictObject({
      ...common,
      kind: z.literal('unusual-volume'),
      levels: RISING,
      /** Weeks that are looked at. */
      weeks: whole(1, WEEKS_MAX),
      /** With fewer weeks of history nothing is said. */
      weeksMin: whole(1, WEEKS_MAX),
      /** A deviation is never taken for less than this share of the usual day. */
      deviationShareMin: share,
      /** Nor for fewer interactions than these, so that small tenants do not alert. */
      deviationMin: whole(1, 1_000_000_000),
      /** Hours after a day's end from which on it may have too few: for what comes late. */
      graceHours: whole(0, HOURS_PER_DAY),
    })
    .refine(({ weeks, weeksMin }) => weeksMin <= weeks, { path: ['weeksMin'], message: 'must be at most weeks' }),
  /** People that were missing in the licence year's worst month. */
  z.strictObject({ ...common, kind: z.literal('peak-overrun'), levels: RISING }),
  /** Interactions of a month without an allowance. */
  z.strictObject({ ...common, kind: z.literal('unlicensed-usage'), levels: RISING }),
  z.strictObject({
    ...common,
    kind: z.literal('consumer-lag'),
    measure: z.enum(['records', 'age-seconds']),
    levels: RISING,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('dead-letters'),
    measure: z.enum(['number', 'share']),
    levels: RISING,
    /** Fewer dead letters say nothing: one of two is no half of all. */
    numberMin: whole(1, 1_000_000_000).default(1),
  }),
  /** Seconds. */
  z.strictObject({ ...common, kind: z.literal('stale-figures'), levels: RISING }),
  /** Partitions. */
  z.strictObject({ ...common, kind: z.literal('ledger-mismatch'), levels: RISING }),
  /** Hours. */
  z.strictObject({ ...common, kind: z.literal('log-expiry'), levels: FALLING }),
  /** Days. */
  z.strictObject({ ...common, kind: z.literal('statements-overdue'), levels: RISING }),
]);

export type Rule = z.infer<typeof rule>;
export type RuleKind = Rule['kind'];
export type RuleOf<Kind extends RuleKind> = Extract<Rule, { kind: Kind }>;
/** Whom a rule is about. */
export type RuleScope = 'tenant' | 'operator';

const SCOPES: Readonly<Record<RuleKind, RuleScope>> = {
  'quota-share': 'tenant',
  'projected-month': 'tenant',
  'projected-people': 'tenant',
  'unusual-volume': 'tenant',
  'peak-overrun': 'tenant',
  'unlicensed-usage': 'tenant',
  'consumer-lag': 'operator',
  'dead-letters': 'operator',
  'stale-figures': 'operator',
  'ledger-mismatch': 'operator',
  'log-expiry': 'operator',
  'statements-overdue': 'operator',
};

const catalogue = z.strictObject({
  version: z.int().min(1),
  rules: z
    .array(rule)
    .min(1)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'has a name twice'),
});
export type RuleCatalogue = z.infer<typeof catalogue>;

/** A catalogue as it is written, checked. Throws zod's error, which names every fault. */
export function ruleCatalogueOf(written: unknown): RuleCatalogue {
  return catalogue.parse(written);
}

export const RULES: RuleCatalogue = ruleCatalogueOf(data);

/** The default rules about tenants, or those about the pipeline. */
export function defaultRules(scope: RuleScope, { rules }: RuleCatalogue = RULES): readonly Rule[] {
  return rules.filter(({ kind }) => SCOPES[kind] === scope);
}

/** A tenant's own word on a default rule: that it is off, or the fields that it has otherwise. */
export interface OwnRule {
  name: string;
  off?: true;
  [field: string]: unknown;
}

/** What makes a rule the one it is. */
const FIXED_FIELDS = ['kind', 'meter', 'measure', 'title'] as const;

/**
 * Own rules as they are written, `{"name":"unusual-volume","off":true}` or
 * `{"name":"quota-share-engaged","levels":{"critical":0.95}}`, or every fault with its line and field. Fields that are left
 * out stay as in the default rule; `levels` are replaced as a whole.
 */
export function ownRulesOf(
  written: readonly unknown[],
  scope: RuleScope = 'tenant',
  of: RuleCatalogue = RULES,
): CheckedLines<OwnRule> {
  const defaults = defaultRules(scope, of);
  const checked = checkLines(written, ownRule(defaults), () => []);
  const twice = repeatedNames(written);
  if (checked.ok) return twice.length === 0 ? checked : { ok: false, faults: twice };
  return { ok: false, faults: [...checked.faults, ...twice].sort((a, b) => a.line - b.line) };
}

/**
 * The rules in force: the default ones with the own rules applied, without those that are off. An own rule that does not
 * fit the catalogue any more counts as not written, so that its tenant goes on being watched.
 */
export function rulesInForce(
  own: readonly OwnRule[] = [],
  scope: RuleScope = 'tenant',
  of: RuleCatalogue = RULES,
): Rule[] {
  const byName = new Map(own.map((one) => [one.name, one]));
  return defaultRules(scope, of).flatMap((written) => {
    const mine = byName.get(written.name);
    if (!mine) return [written];
    if (mine.off) return [];
    const merged = rule.safeParse({ ...written, ...mine });
    return [merged.success ? merged.data : written];
  });
}

/** What its levels are, and which way is worse. */
export function ladderOf({ kind, levels, hysteresis }: Rule): Ladder {
  return { worse: kind === 'projected-people' || kind === 'log-expiry' ? 'below' : 'above', levels, hysteresis };
}

function ownRule(defaults: readonly Rule[]) {
  return z
    .looseObject({ name: z.string('must be the name of a rule'), off: z.literal(true, 'must be true').optional() })
    .transform((line, context): OwnRule => {
      const fault = (field: string, message: string) =>
        context.addIssue({ code: 'custom', path: field === '' ? [] : field.split('.'), message });
      const { name, off, ...fields } = line;
      const replaced = defaults.find((one) => one.name === name);
      if (!replaced) fault('name', `is not one of ${defaults.map((one) => one.name).join(', ')}`);
      else if (off) for (const field of Object.keys(fields)) fault(field, 'must be left out: the rule is off');
      else {
        if (Object.keys(fields).length === 0) fault('', 'says nothing: give it "off" or what is otherwise');
        const own = Object.entries(fields).filter(([field]) => {
          const fixed = FIXED_FIELDS.some((one) => one === field);
          if (fixed) fault(field, 'must be left out: it is the default rule’s');
          return !fixed;
        });
        const { error } = rule.safeParse({ ...replaced, ...Object.fromEntries(own) });
        for (const { path, message } of error?.issues ?? []) fault(path.join('.'), message);
      }
      return off ? { name, off } : { name, ...fields };
    });
}

/** Two lines about one rule: which of them holds is nothing to guess. */
function repeatedNames(written: readonly unknown[]): LineFault[] {
  const seen = new Set<unknown>();
  return written.flatMap((one, index) => {
    const name = typeof one === 'object' && one !== null && 'name' in one ? one.name : undefined;
    if (name === undefined || !seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ line: index + 1, field: 'name', message: 'is in an earlier line already' }];
  });
}

function ordered(levels: Levels, inOrder: (before: number, after: number) => boolean): boolean {
  const written = SEVERITIES.flatMap((severity) => levels[severity] ?? []);
  return written.every((after, index) => {
    const before = written[index - 1];
    return before === undefined || inOrder(before, after);
  });
}
