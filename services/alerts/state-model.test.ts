/**
 * The alerts' state against a plain model that knows nothing of ladders and findings: it walks up and down numbered levels
 * with whole numbers.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Alert, AlertChange, Severity } from './alert.ts';
import { type Finding, findingOf } from './finding.ts';
import type { Levels } from './levels.ts';
import { type Rule, rulesInForce } from './rules.ts';
import { type AlertState, alertIdOf, alertStates, nextChanges } from './state.ts';

const SUBJECTS = ['interactions', 'engaged'] as const;
type Subject = (typeof SUBJECTS)[number];

/** Thresholds by level from 1; Infinity where a level has none. The figures are whole numbers around them. */
interface Variant {
  thresholds: readonly [number, number, number];
  /** Percent of a threshold. */
  hysteresis: number;
}

const VARIANTS: readonly Variant[] = [
  { thresholds: [80, 90, 100], hysteresis: 5 },
  { thresholds: [80, 90, 100], hysteresis: 0 },
  { thresholds: [60, 95, 120], hysteresis: 20 },
  { thresholds: [Number.POSITIVE_INFINITY, 90, Number.POSITIVE_INFINITY], hysteresis: 10 },
  { thresholds: [50, Number.POSITIVE_INFINITY, 110], hysteresis: 2 },
];
const NAMES: readonly Severity[] = ['info', 'warning', 'critical'];

type Figure =
  | { kind: 'value'; value: number }
  | { kind: 'none' }
  | { kind: 'unknown' }
  | { kind: 'only-better'; value: number };

interface Step {
  figures: Record<Subject, Figure>;
  /** The period goes on by so many; back where a licence year was corrected, or yesterday’s figures are worse. */
  later: -1 | 0 | 1;
  /** null: the rule is off. */
  variant: number | null;
  /** The decision is lost before it is stored, and made again. */
  lost: boolean;
  /** The same is evaluated once more afterwards. */
  again: boolean;
}

interface Told {
  kind: AlertChange['change'];
  period: number;
  number: number;
  level: number;
}

/** One subject of one rule. */
class Model {
  readonly #lasting: boolean;
  /** By period: the level at which it is open (0 is resolved), and how often it changed. */
  readonly alerts = new Map<number, { level: number; worst: number; changes: number }>();

  constructor(lasting: boolean) {
    this.#lasting = lasting;
  }

  step(figure: Figure, period: number, variant: Variant | null): Told[] {
    if (variant === null) return this.#closeAllBut(null);
    if (figure.kind === 'unknown') return [];
    const openAt = [...this.alerts].find(([, { level }]) => level > 0)?.[0];
    const at = this.#lasting && openAt !== undefined ? openAt : period;
    const told = this.#closeAllBut(at);
    const alert = this.alerts.get(at) ?? { level: 0, worst: 0, changes: 0 };
    const to = this.#levelAfter(alert.level, figure, variant);
    if (to === alert.level) return told;
    if (to > alert.level && figure.kind === 'only-better') return told;
    if (to < alert.level && alert.changes >= 12 && at === period) return told;
    const kind = alert.changes === 0 ? 'opened' : to === 0 ? 'resolved' : to > alert.level ? 'raised' : 'lowered';
    this.alerts.set(at, alert);
    alert.level = to;
    alert.worst = Math.max(alert.worst, to);
    alert.changes++;
    return [...told, { kind, period: at, number: alert.changes, level: to }];
  }

  #levelAfter(from: number, figure: Figure, { thresholds, hysteresis }: Variant): number {
    if (figure.kind === 'none' || figure.kind === 'unknown') return 0;
    for (const level of [3, 2, 1]) {
      if (level > from && figure.value >= (thresholds[level - 1] ?? Number.NaN)) return level;
    }
    let level = from;
    while (level > 0) {
      const threshold = thresholds[level - 1] ?? Number.NaN;
      // In hundredths, so that it is whole numbers that are compared.
      if (threshold !== Number.POSITIVE_INFINITY && figure.value * 100 >= threshold * (100 - hysteresis)) break;
      level--;
    }
    return level;
  }

  #closeAllBut(period: number | null): Told[] {
    return [...this.alerts].flatMap(([of, alert]) => {
      if (alert.level === 0 || of === period) return [];
      alert.level = 0;
      alert.changes++;
      return [{ kind: 'resolved' as const, period: of, number: alert.changes, level: 0 }];
    });
  }
}

const periodOf = (number: number): string => `2026-${String(number + 1).padStart(2, '0')}`;

function ruleOf({ thresholds, hysteresis }: Variant): Rule {
  const levels: Levels = {};
  for (const [index, threshold] of thresholds.entries()) {
    const name = NAMES[index];
    if (name && Number.isFinite(threshold)) levels[name] = threshold;
  }
  const [first] = rulesInForce();
  if (first?.kind !== 'quota-share') throw new Error('the first default rule is a share');
  return { ...first, levels, hysteresis: hysteresis / 100 };
}

function findingsOf(step: Step, period: number, rule: Rule, lasting: boolean): Finding[] {
  return SUBJECTS.flatMap((subject) => {
    const figure = step.figures[subject];
    if (figure.kind === 'unknown') return [];
    const value = figure.kind === 'none' ? null : figure.value;
    const onlyBetter = figure.kind === 'only-better';
    const rest = { unit: 'share', title: 'T', detail: 'D', figures: {}, onlyBetter, lasting };
    return findingOf(rule, 'contoso', { subject, period: periodOf(period), value, ...rest });
  });
}

const flapping = fc.constantFrom(
  47,
  48,
  49,
  50,
  75,
  76,
  77,
  79,
  80,
  81,
  84,
  85,
  86,
  89,
  90,
  91,
  94,
  95,
  99,
  100,
  101,
  120,
);
const value = fc.oneof(
  { weight: 3, arbitrary: flapping },
  // From one end to the other, so that an alert changes often within its period.
  { weight: 4, arbitrary: fc.constantFrom(1, 101) },
  { weight: 1, arbitrary: fc.nat(140) },
);
const figure: fc.Arbitrary<Figure> = fc.oneof(
  { weight: 12, arbitrary: value.map((one) => ({ kind: 'value' as const, value: one })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unknown' as const }) },
  { weight: 1, arbitrary: value.map((one) => ({ kind: 'only-better' as const, value: one })) },
);
const step: fc.Arbitrary<Step> = fc.record({
  figures: fc.record({ interactions: figure, engaged: figure }),
  later: fc.oneof(
    { weight: 25, arbitrary: fc.constant(0 as const) },
    { weight: 1, arbitrary: fc.constant(1 as const) },
    { weight: 1, arbitrary: fc.constant(-1 as const) },
  ),
  variant: fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.nat(VARIANTS.length - 1) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  lost: fc.boolean(),
  again: fc.boolean(),
});

const levelOf = ({ state, severity }: Alert): number => (state === 'open' ? NAMES.indexOf(severity) + 1 : 0);

/** One step in operation: decided, perhaps lost and decided again, stored, perhaps evaluated once more. */
function operate(known: AlertState[], { lost, again, ...step }: Step, period: number, lasting: boolean, now: number) {
  const variant = step.variant === null ? null : (VARIANTS[step.variant] ?? null);
  const rules = variant === null ? [] : [ruleOf(variant)];
  const findings = rules.flatMap((rule) => findingsOf({ lost, again, ...step }, period, rule, lasting));
  const decide = (from: AlertState[], now: number) => nextChanges(from, findings, { now, rules });
  let changes = decide(known, now);
  if (lost) {
    const before = changes.map(({ id, change }) => [id, change]);
    changes = decide(known, now + 1);
    expect(changes.map(({ id, change }) => [id, change])).toEqual(before);
  }
  const after = alertStates(changes, known);
  if (again) expect(decide(after, now + 2)).toEqual([]);
  // Stored twice, and in another order, is stored once.
  expect(alertStates([...changes, ...changes].reverse(), known)).toEqual(expect.arrayContaining(after));
  return { changes, after, variant };
}

test.each([
  ['that end with their period', false],
  ['that last', true],
])('alerts %s open and close exactly as a plain model says', (_, lasting) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const models = { interactions: new Model(lasting), engaged: new Model(lasting) };
      const seen = new Set<string>();
      let known: AlertState[] = [];
      let period = 0;
      for (const [index, one] of steps.entries()) {
        period = Math.max(0, period + one.later);
        const { changes, after, variant } = operate(known, one, period, lasting, index * 10);
        for (const subject of SUBJECTS) {
          const mine = changes.filter(({ alert }) => alert.subject === subject);
          const expected = models[subject].step(one.figures[subject], period, variant).map((told) => {
            const key = {
              tenantId: 'contoso',
              rule: 'quota-share-interactions',
              subject,
              period: periodOf(told.period),
            };
            return { kind: told.kind, id: `${alertIdOf(key)}-${told.number}`, level: told.level };
          });
          expect(mine.map(({ change, id, alert }) => ({ kind: change, id, level: levelOf(alert) }))).toEqual(expected);
        }
        for (const { id } of changes) {
          expect(seen.has(id)).toBe(false);
          seen.add(id);
        }
        known = after;
      }
      for (const subject of SUBJECTS) {
        const mine = known.filter(({ alert }) => alert.subject === subject);
        const states = mine.map(({ alert, sequence }) => [
          alert.period,
          levelOf(alert),
          alert.highestSeverity,
          sequence,
        ]);
        const expected = [...models[subject].alerts].map(([of, { level, worst, changes }]) => [
          periodOf(of),
          level,
          NAMES[worst - 1],
          changes,
        ]);
        expect(states).toEqual(expected);
      }
    }),
    { numRuns: 100 },
  );
});
