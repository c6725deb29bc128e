/**
 * What callers may ask, checked. Every fault of a request is told at once.
 */
import {
  addMonths,
  addToMonth,
  type CountingPolicy,
  type Day,
  isDay,
  isMonth,
  type Month,
  monthOf,
  POLICIES,
  policyNamed,
} from '@tally/metering';
import { Problem } from '@tally/platform/http';
import { z } from 'zod';

const MONTHS_MAX = 240;
const MONTHS_DEFAULT = 12;

/** What a column of a day holds, and a year less, so that twelve months before are in it too. */
const DAY_MIN: Day = '1971-01-01';
const DAY_MAX: Day = '2148-12-31';

/** A month that days can be asked of. */
export function isAskedMonth(text: string): boolean {
  return isMonth(text) && text >= DAY_MIN.slice(0, 7) && text <= DAY_MAX.slice(0, 7);
}

/** A day that can be asked of. */
export function isAskedDay(text: string): boolean {
  return isDay(text) && text >= DAY_MIN && text <= DAY_MAX;
}

export const month = z
  .string()
  .refine(isAskedMonth, `must be a month, YYYY-MM, from ${DAY_MIN.slice(0, 7)} to ${DAY_MAX.slice(0, 7)}`)
  .meta({ pattern: '^\\d{4}-(0[1-9]|1[0-2])$', description: 'a month, YYYY-MM' });
export const day = z
  .string()
  .refine(isAskedDay, `must be a day, YYYY-MM-DD, from ${DAY_MIN} to ${DAY_MAX}`)
  .meta({ format: 'date', description: 'a day in UTC, YYYY-MM-DD' });
const policyText = z.string().meta({ enum: POLICIES.map(({ name }) => name) });
export const policy = policyText.transform((name, context): CountingPolicy => {
  const known = policyNamed(name);
  if (known) return known;
  context.addIssue(`must be one of ${POLICIES.map((one) => one.name).join(', ')}`);
  return z.NEVER;
});

export const tenantId = z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'is not a tenant id');
const tenant = z.object({ tenantId });

/** The tenant of a path. */
export function tenantOf(params: unknown): string {
  return checked(tenant, params).tenantId;
}

/** The first moment of a day, milliseconds UTC. */
export function startOf(text: Day): number {
  return Date.parse(`${text}T00:00:00Z`);
}

export const monthsAsked = z.object({ from: month.optional(), to: month.optional(), policy: policy.optional() });
export const daysAsked = z.object({ from: day.optional(), to: day.optional(), policy: policy.optional() });
export const dayAsked = z.object({ asOf: day.optional(), policy: policy.optional() });

export interface MonthRange {
  from: Month;
  to: Month;
  /** Asked for in place of those in force for the tenant. */
  policy: CountingPolicy | undefined;
}

/** `from` and `to`, by default the last 12 months up to today's. */
export function monthRangeOf(query: unknown, today: Day): MonthRange {
  const asked = checked(monthsAsked, query);
  const to = asked.to ?? monthOf(today);
  const from = asked.from ?? addToMonth(to, 1 - MONTHS_DEFAULT);
  if (from > to) throw invalid('from must not be after to');
  if (addToMonth(from, MONTHS_MAX) <= to) throw invalid(`at most ${MONTHS_MAX} months are answered at once`);
  return { from, to, policy: asked.policy };
}

/** `asOf`, by default today. */
export function dayAskedOf(query: unknown, today: Day): { day: Day; policy: CountingPolicy | undefined } {
  const asked = checked(dayAsked, query);
  return { day: asked.asOf ?? today, policy: asked.policy };
}

export interface AskedDays {
  from: Day;
  to: Day;
  policy: CountingPolicy | undefined;
}

/** `from` and `to`, by default the last 12 months up to today. */
export function dayRangeOf(query: unknown, today: Day): AskedDays {
  const asked = checked(daysAsked, query);
  const to = asked.to ?? today;
  const from = asked.from ?? addMonths(to, -MONTHS_DEFAULT);
  if (from > to) throw invalid('from must not be after to');
  if (addMonths(from, MONTHS_MAX) < to) throw invalid(`at most ${MONTHS_MAX} months are answered at once`);
  return { from, to, policy: asked.policy };
}

/** What a schema makes of the input. Throws a Problem that names every fault. */
export function checked<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
}

export function invalid(detail: string): Problem {
  return new Problem({ status: 400, code: 'invalid-parameter', title: 'A parameter is not valid', detail });
}
