/**
 * Lets only those in whom a route's rule names. A route without a rule keeps the service from starting.
 */
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, type FastifyRequest, Problem } from '@tally/platform/http';
import type { AuditTrail } from './audit.ts';
import type { Authenticator } from './authenticator.ts';
import type { RequestLimits } from './request-limits.ts';
import { type Caller, callerId, covers } from './roles.ts';
import type { AccessRule, AccessRules, NamedTenant, RoleRule } from './rules.ts';

export interface GuardOptions {
  rules: AccessRules;
  authenticator: Pick<Authenticator, 'callerOf'>;
  /** Without them a caller may ask as often as it likes. */
  limits?: RequestLimits;
  /** Without one nothing is audited. */
  audit?: AuditTrail;
  /** Addresses that begin so and are none take a key too, so that without one nobody learns which there are. */
  closedPrefix?: string;
}

const callers = new WeakMap<FastifyRequest, Caller>();

/** Who sends the request. To be asked in routes with a rule that names roles. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Error('the route has no rule that names roles');
  return caller;
}

/** The id of who sends a request, for logs; undefined before it is known. */
export function callerIdOf(request: FastifyRequest): string | undefined {
  const caller = callers.get(request);
  return caller && callerId(caller);
}

/** To be called before any route is added. Throws `ROUTE_UNDECLARED` as such a route is added. */
export function guard(app: FastifyInstance, { rules, authenticator, limits, audit, closedPrefix }: GuardOptions): void {
  requireRules(app, rules);

  // 1. Before the body is read: who it is, how often it came, and whether the role and the tenant of the address are right.
  app.addHook('onRequest', async (request, reply) => {
    const rule = ruleOf(request, rules);
    const closed = rule ? !('anyone' in rule) : closedPrefix !== undefined && request.url.startsWith(closedPrefix);
    if (!closed) {
      if (!(rule && 'unlimited' in rule)) await limits?.count(request, reply);
      return;
    }
    const caller = await authenticator.callerOf(request).catch(async (refusal: unknown) => {
      await limits?.count(request, reply);
      throw refusal;
    });
    callers.set(request, caller);
    await limits?.count(request, reply, caller);
    if (rule && !('anyone' in rule)) checkCaller(rule, caller, request, 'address');
  });

  // 2. With the body: the tenant in it. Then it is on record that it is about to be done.
  app.addHook('preHandler', async (request) => {
    const rule = ruleOf(request, rules);
    const caller = callers.get(request);
    if (!rule || 'anyone' in rule || !caller) return;
    checkCaller(rule, caller, request, 'body');
    if (rule.signed) sign(request, caller);
    if (audit && isAudited(rule, request)) await audit.begin(request, { caller, tenantId: tenantIn(rule, request) });
  });

  // 3. What became of it. A crash before: the record says that it was begun.
  app.addHook('onResponse', async (request, reply) => {
    const rule = ruleOf(request, rules);
    const caller = callers.get(request);
    if (!audit || !rule || 'anyone' in rule || !caller || !isAudited(rule, request)) return;
    audit.end(request, { caller, tenantId: tenantIn(rule, request), status: reply.statusCode });
  });
}

/** Offsets of the log say how much all tenants together send, so who has only some of them is not told any. */
export function hidePositions(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, _reply, payload) => {
    const caller = callers.get(request);
    return caller && caller.scope !== '*' ? withoutPositions(payload) : payload;
  });
}

function requireRules(app: FastifyInstance, rules: AccessRules): void {
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) {
      if (ruleFor(one, url, rules)) continue;
      const message = `${one} ${url} has no rule that says who may call it`;
      throw new TallyError(message, { code: 'ROUTE_UNDECLARED', retriable: false });
    }
  });
}

function ruleOf({ method, routeOptions }: FastifyRequest, rules: AccessRules): AccessRule | undefined {
  return routeOptions.url === undefined ? undefined : ruleFor(method, routeOptions.url, rules);
}

/** What a browser asks a page's server for; nothing that answers with figures has such an address. */
const FILE = /^\/(?:[\w.-]+\/)*(?:[\w.-]+\.(?:html|js|css|svg|png|ico|txt|woff2?|webmanifest|map))?$/;

/** The route's own, or that of files, `GET /*`. */
function ruleFor(method: string, url: string, rules: AccessRules): AccessRule | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  const name = `${asked} ${url}`;
  if (Object.hasOwn(rules, name)) return rules[name];
  return FILE.test(url) && !url.startsWith('/v1/') ? rules[`${asked} /*`] : undefined;
}

function isAudited(rule: RoleRule, { method }: FastifyRequest): boolean {
  return rule.audited === true || (method !== 'GET' && method !== 'HEAD');
}

function checkCaller(rule: RoleRule, caller: Caller, request: FastifyRequest, part: 'address' | 'body'): void {
  if (!rule.roles.includes(caller.role)) {
    throw forbidden('role-forbidden', 'The role may not do this', `this takes one of: ${rule.roles.join(', ')}`);
  }
  if (caller.scope === '*') return;
  if (rule.tenant === 'operators') throw ofOperators();
  if (typeof rule.tenant === 'string' || (rule.tenant.in === 'body') !== (part === 'body')) return;
  const named = valueIn(rule.tenant, request);
  if (named === undefined || named === null) {
    if (rule.tenant.without === 'filtered') return;
    if (rule.tenant.without === 'operators') throw ofOperators();
  }
  // Nothing is looked up: a tenant that is not there and one of somebody else are the same.
  if (typeof named !== 'string' || !covers(caller.scope, named)) {
    throw forbidden('tenant-forbidden', 'The tenant is not one of yours', 'the key does not cover this tenant');
  }
}

function ofOperators(): Problem {
  return forbidden('tenant-forbidden', 'The tenant is not one of yours', 'this takes a key for all tenants');
}

function forbidden(code: string, title: string, detail: string): Problem {
  return new Problem({ status: 403, code, title, detail });
}

/** The tenant's id for the record, cut to what an id may be. */
function tenantIn({ tenant }: RoleRule, request: FastifyRequest): string {
  const named = typeof tenant === 'string' ? undefined : valueIn(tenant, request);
  return typeof named === 'string' ? named.slice(0, 64) : '';
}

function valueIn({ in: part, name }: NamedTenant, request: FastifyRequest): unknown {
  const holder = part === 'path' ? request.params : part === 'query' ? request.query : request.body;
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Record<string, unknown>)[name];
}

/** Who changes something signs with the own name; an admin may write down somebody else's. */
function sign(request: FastifyRequest, caller: Caller): void {
  const { body } = request;
  const sent = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : undefined;
  if (body !== undefined && body !== null && !sent) return;
  if (caller.role === 'admin' && sent && Object.hasOwn(sent, 'by')) return;
  request.body = { ...sent, by: caller.name };
}

/** Answers are plain objects of our own, a few levels deep. An environment may be called `positions`, and has a count. */
function withoutPositions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPositions);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, isPositions(name, one) ? {} : withoutPositions(one)]),
  );
}

function isPositions(name: string, value: unknown): boolean {
  return name === 'positions' && typeof value === 'object' && !Array.isArray(value);
}
