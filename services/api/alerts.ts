/**
 * Alerts: what is open, what people know of or want to hear nothing of, by which rules, and who is told.
 */
import { callerOf, tenantsOf } from '@tally/access';
import { acknowledgement, dryRun, ownRulesOf, type RuleScope, rulesInForce, silence } from '@tally/alerts';
import { addMonths, dayOf } from '@tally/metering';
import {
  alertTargets,
  changeTargets,
  currentTargets,
  type Delivery,
  deliveriesOf,
  requestTest,
  targetVersions,
} from '@tally/notifier';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import {
  type AlertsAsked,
  acknowledge,
  beginSilence,
  changeRules,
  endSilence,
  isAlertsCursor,
  listAlerts,
  OPERATORS,
  observePast,
  ownRules,
  storedAlerts,
} from '@tally/watch';
import { z } from 'zod';
import { checked, tenantOf } from './parameters.ts';
import { faulty, overtaken } from './versioned-lists.ts';

interface AlertRouteOptions {
  clickhouse: ClickHouse;
  clock: () => number;
}

const ALERTS_DEFAULT = 50;
const ALERTS_MAX = 500;
const TEXT_CHARS_MAX = 1_000;
const RULES_MAX = 100;
const DRY_RUN_MONTHS = 12;

const text = z.string().trim().min(1).max(TEXT_CHARS_MAX);
const by = text.default('admin');
const because = z.string().trim().max(TEXT_CHARS_MAX).default('');
const moment = z.iso.datetime().transform((at) => new Date(at).toISOString());
const tenantId = z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'is not a tenant id');

export const alertsAsked = z.object({
  state: z.enum(['open', 'resolved']).optional(),
  limit: z.coerce.number().int().min(1).max(ALERTS_MAX).default(ALERTS_DEFAULT),
  after: z.string().refine(isAlertsCursor, 'must be the `next` of the page before').optional(),
});
export const allAlertsAsked = alertsAsked.extend({ of: z.enum(['all', 'operators']).default('all') });
const alertPath = z.object({ alertId: z.string().regex(/^[0-9a-f]{32}$/, 'is not the id of an alert') });
export const acknowledgementBody = z.strictObject({
  tenantId: tenantId.nullable(),
  until: moment.nullable().default(null),
  reason: text,
  by,
});
export const silenceBody = z.strictObject({
  tenantId: tenantId.nullable(),
  rule: text.nullable().default(null),
  subject: text.nullable().default(null),
  from: moment.optional(),
  until: moment,
  reason: text,
  by,
});
export const alertRulesBody = z.strictObject({ rules: z.array(z.unknown()).max(RULES_MAX), because, by });
export const alertTargetsBody = z.strictObject({
  targets: z.array(z.unknown()),
  because,
  by,
  replaces: z.uuid().nullish(),
});

export const dryRunBody = z.strictObject({ rules: z.array(z.unknown()).max(RULES_MAX).optional() }).nullish();
export const testBody = z.strictObject({ by }).nullish();

export function addAlertRoutes(app: FastifyInstance, options: AlertRouteOptions): void {
  addListRoutes(app, options);
  addSuppressionRoutes(app, options);
  addRuleRoutes(app, options);
  addTargetRoutes(app, options);
}

/** `GET /v1/tenants/{t}/alerts`, and `GET /v1/alerts` of all tenants and the operators (`?of=operators` of these alone). */
function addListRoutes(app: FastifyInstance, { clickhouse, clock }: AlertRouteOptions): void {
  app.get('/v1/tenants/:tenantId/alerts', async ({ params, query }) =>
    listed(clickhouse, { tenantId: tenantOf(params), ...checked(alertsAsked, query), now: clock() }),
  );

  app.get('/v1/alerts', async (request) => {
    const asked = checked(allAlertsAsked, request.query);
    const { of, ...page } = asked;
    const { scope } = callerOf(request);
    const seen = scope === '*' ? undefined : tenantsOf(scope);
    // The operators' alerts are no tenant's: who has only some tenants sees none of them.
    const asks = of === 'operators' ? { tenants: seen ? [] : [OPERATORS] } : { tenants: seen };
    return listed(clickhouse, { ...asks, ...page, now: clock() });
  });
}

/** A page of alerts, each change with what became of telling it. */
async function listed(clickhouse: ClickHouse, asked: AlertsAsked): Promise<object> {
  const { alerts, ...rest } = await listAlerts(clickhouse, asked);
  const changes = alerts.flatMap((alert) => alert.changes.map(({ id }) => id));
  const deliveries = Map.groupBy(await deliveriesOf(clickhouse, changes), ({ changeId }) => changeId);
  return {
    alerts: alerts.map((alert) => ({
      ...alert,
      changes: alert.changes.map((change) => ({
        ...change,
        deliveries: (deliveries.get(change.id) ?? []).filter(({ targetId }) => targetId !== '').map(answered),
      })),
    })),
    ...rest,
  };
}

/** Attempt 0 is the decision whom to tell; `nextAttemptAt` is null when nothing is to follow. */
function answered({ targetId, attempt, at, outcome, status, detail, nextAttemptAt, durationMs }: Delivery): object {
  return {
    target: targetId,
    attempt,
    at: new Date(at).toISOString(),
    outcome,
    status,
    detail,
    nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt).toISOString(),
    durationMs,
  };
}

/** `POST /v1/alerts/{id}/acknowledgements`, `POST /v1/alerts/silences`, `DELETE /v1/alerts/silences/{id}?tenant=`. */
function addSuppressionRoutes(app: FastifyInstance, { clickhouse, clock }: AlertRouteOptions): void {
  app.post('/v1/alerts/:alertId/acknowledgements', async ({ params, body }, reply) => {
    const { alertId } = checked(alertPath, params);
    const { tenantId: of, until, reason, by: who } = checked(acknowledgementBody, body);
    const now = clock();
    const tenant = of ?? OPERATORS;
    const known = (await storedAlerts(clickhouse, { tenants: [tenant], now })).get(tenant) ?? [];
    const found = known.find(({ alert }) => alert.id === alertId);
    if (!found) throw unknown('alert-unknown', `there is no alert ${alertId} of ${of ?? 'the operators'}`);
    const said = acknowledgement.parse({
      alertId,
      severity: found.alert.severity,
      at: new Date(now).toISOString(),
      until,
      by: who,
      reason,
    });
    await acknowledge(clickhouse, { tenantId: tenant, acknowledgement: said });
    return reply.code(201).send(said);
  });

  app.post('/v1/alerts/silences', async ({ body }, reply) => {
    const now = clock();
    const { from = new Date(now).toISOString(), ...rest } = checked(silenceBody, body);
    const said = checked(silence, { from, ...rest });
    return reply.code(201).send({ id: await beginSilence(clickhouse, said, now), ...said });
  });

  app.delete('/v1/alerts/silences/:silenceId', async ({ params, query }, reply) => {
    const { silenceId } = checked(z.object({ silenceId: z.uuid('is not the id of a silence') }), params);
    const { tenant = OPERATORS } = checked(z.object({ tenant: tenantId.optional() }), query);
    await endSilence(clickhouse, { tenantId: tenant, id: silenceId, now: clock() }).catch((error: unknown) => {
      const { code, message } = error instanceof TallyError ? error : { code: '', message: '' };
      if (code === 'SILENCE_UNKNOWN') throw unknown('silence-unknown', message);
      if (code !== 'SILENCE_OVER') throw error;
      throw new Problem({ status: 409, code: 'silence-over', title: 'The silence is over', detail: message });
    });
    return reply.code(204).send();
  });
}

/**
 * `GET` and `PUT /v1/tenants/{t}/alert-rules`, `GET` and `PUT /v1/alerts/rules` for those about the pipeline, and
 * `POST /v1/tenants/{t}/alert-rules/dry-run`: what rules, own ones or those in force, would have said in the last 12 months.
 */
function addRuleRoutes(app: FastifyInstance, { clickhouse, clock }: AlertRouteOptions): void {
  const answer = async (tenant: string, scope: RuleScope): Promise<object> => {
    const version = (await ownRules(clickhouse, [tenant])).get(tenant);
    const { rules = [], ...rest } = version ?? {};
    const { id, changedAt, changedBy, because: why } = { changedAt: 0, ...rest };
    const made = version ? { id, at: new Date(changedAt).toISOString(), by: changedBy, because: why } : null;
    return { rules: rulesInForce(rules, scope), own: rules, version: made };
  };
  const put = async (tenant: string, scope: RuleScope, body: unknown): Promise<object> => {
    const { rules, because: why, by: who } = checked(alertRulesBody, body);
    const judged = ownRulesOf(rules, scope);
    if (!judged.ok) throw faulty(judged.faults);
    await changeRules(clickhouse, { tenantId: tenant, now: clock(), by: who, because: why, rules: judged.lines });
    return answer(tenant, scope);
  };
  app.get('/v1/tenants/:tenantId/alert-rules', ({ params }) => answer(tenantOf(params), 'tenant'));
  app.put('/v1/tenants/:tenantId/alert-rules', ({ params, body }) => put(tenantOf(params), 'tenant', body));
  app.get('/v1/alerts/rules', () => answer(OPERATORS, 'operator'));
  app.put('/v1/alerts/rules', ({ body }) => put(OPERATORS, 'operator', body));

  app.post('/v1/tenants/:tenantId/alert-rules/dry-run', async ({ params, body }) => {
    const tenant = tenantOf(params);
    const asked = checked(dryRunBody, body);
    const judged = ownRulesOf(asked?.rules ?? (await ownRules(clickhouse, [tenant])).get(tenant)?.rules ?? []);
    if (!judged.ok) throw faulty(judged.faults);
    const to = dayOf(clock());
    const from = addMonths(to, -DRY_RUN_MONTHS);
    const observations = await observePast(clickhouse, { tenantId: tenant, from, to });
    return { from, to, changes: dryRun(rulesInForce(judged.lines), observations) };
  });
}

/** `GET` and `PUT /v1/alerts/targets`, `POST /v1/alerts/targets/{id}/test`. */
function addTargetRoutes(app: FastifyInstance, { clickhouse, clock }: AlertRouteOptions): void {
  const answer = async (): Promise<object> => {
    const [newest] = await targetVersions(clickhouse, 1);
    const version = newest
      ? { id: newest.id, at: new Date(newest.changedAt).toISOString(), by: newest.changedBy, because: newest.because }
      : null;
    return { targets: await currentTargets(clickhouse), version };
  };
  app.get('/v1/alerts/targets', answer);

  app.put('/v1/alerts/targets', async ({ body }) => {
    const { targets, because: why, by: who, replaces } = checked(alertTargetsBody, body);
    const list = checked(z.object({ targets: alertTargets }), { targets }).targets;
    const change = { now: clock(), by: who, because: why, targets: list, replaces };
    await changeTargets(clickhouse, change).catch(overtaken);
    return answer();
  });

  app.post('/v1/alerts/targets/:targetId/test', async ({ params, body }, reply) => {
    const { targetId } = checked(z.object({ targetId: z.string().max(TEXT_CHARS_MAX) }), params);
    const { by: who } = checked(testBody, body) ?? { by: 'admin' };
    const known = (await currentTargets(clickhouse)).some(({ id }) => id === targetId);
    if (!known) throw unknown('target-unknown', `there is no target ${targetId}`);
    const changeId = await requestTest(clickhouse, { targetId, now: clock(), by: who });
    return reply.code(202).send({ changeId });
  });

  app.get('/v1/alerts/changes/:changeId', async ({ params }) => {
    const { changeId } = checked(z.object({ changeId: z.string().max(TEXT_CHARS_MAX) }), params);
    return { deliveries: (await deliveriesOf(clickhouse, [changeId])).map(answered) };
  });
}

function unknown(code: string, detail: string): Problem {
  return new Problem({ status: 404, code, title: 'There is no such thing', detail });
}
