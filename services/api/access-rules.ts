/**
 * Who may call what: every route of the api has its line here, and the api does not start with one that has none.
 *
 * - **viewer** reads the figures, licences, statements and alerts of its tenants;
 * - **analyst** is who answers for the bill: reads all there is of its tenants, single people and records too, issues
 *   statements, keeps licences and environments, and deals with alerts;
 * - **admin** decides what counts (policies, rules of unification), and who may call;
 * - **producer** only sends, through the gateway.
 * What shows the whole instance is for admins of all tenants.
 */
import type { AccessRule, AccessRules, RoleRule } from '@tally/access';

const VIEWERS = ['admin', 'analyst', 'viewer'] as const;
const ANALYSTS = ['admin', 'analyst'] as const;
const ADMINS = ['admin'] as const;

const inPath = { in: 'path', name: 'tenantId', without: 'refused' } as const;
const reads: RoleRule = { roles: VIEWERS, tenant: inPath };
const readsRecords: RoleRule = { roles: ANALYSTS, tenant: inPath };
const readsStatement: RoleRule = { ...reads, audited: true };
const changes: RoleRule = { roles: ANALYSTS, tenant: inPath, signed: true };
const tries: RoleRule = { roles: ANALYSTS, tenant: inPath };
const decides: RoleRule = { roles: ADMINS, tenant: inPath, signed: true };
const operates: RoleRule = { roles: ADMINS, tenant: 'operators' };
const operatorsChange: RoleRule = { ...operates, signed: true };
const administers: RoleRule = { roles: ADMINS, tenant: 'filtered' };
const ofBody: RoleRule = {
  roles: ANALYSTS,
  tenant: { in: 'body', name: 'tenantId', without: 'operators' },
  signed: true,
};
const probe = (because: string): AccessRule => ({ anyone: because, unlimited: true });
const anyone = (because: string): AccessRule => ({ anyone: because });

export const ACCESS_RULES = {
  'GET /health/live': probe('probes have no key'),
  'GET /health/ready': probe('probes have no key'),
  'GET /metrics': probe('counts requests, names no tenant'),
  'GET /openapi.json': anyone('what can be asked is no secret'),
  'GET /docs': anyone('what can be asked is no secret'),
  'GET /*': anyone('the dashboard’s files hold no figures'),

  'POST /v1/session': anyone('the key is in the body'),
  'GET /v1/session': { roles: VIEWERS, tenant: 'none' },
  'DELETE /v1/session': { roles: VIEWERS, tenant: 'none' },

  'GET /v1/tenants': { roles: VIEWERS, tenant: 'filtered' },
  'GET /v1/overview': { roles: VIEWERS, tenant: 'filtered' },
  'GET /v1/catalogue': { roles: VIEWERS, tenant: 'none' },
  'GET /v1/tenants/:tenantId/interactions': reads,
  'GET /v1/tenants/:tenantId/engaged': reads,
  'GET /v1/tenants/:tenantId/engaged/curve': reads,
  'GET /v1/tenants/:tenantId/published': reads,
  'GET /v1/tenants/:tenantId/conflicts': readsRecords,

  'GET /v1/tenants/:tenantId/unified': reads,
  'GET /v1/tenants/:tenantId/unified/history': reads,
  'GET /v1/tenants/:tenantId/unified/explain': readsRecords,
  'GET /v1/tenants/:tenantId/unified/rules': reads,
  'PUT /v1/tenants/:tenantId/unified/rules': decides,

  'GET /v1/tenants/:tenantId/policies': reads,
  'PUT /v1/tenants/:tenantId/policies': decides,
  'GET /v1/tenants/:tenantId/licences': reads,
  'PUT /v1/tenants/:tenantId/licences': changes,
  'GET /v1/tenants/:tenantId/environments': reads,
  'PUT /v1/tenants/:tenantId/environments': changes,
  'GET /v1/tenants/:tenantId/quota': reads,
  'GET /v1/tenants/:tenantId/true-up': reads,

  'GET /v1/tenants/:tenantId/statements': reads,
  'POST /v1/tenants/:tenantId/statements/:month': changes,
  'GET /v1/tenants/:tenantId/statements/:file': readsStatement,
  'GET /v1/tenants/:tenantId/statements/:month/explain': readsStatement,
  'GET /v1/tenants/:tenantId/statements/:month/rows': { ...readsRecords, audited: true },
  'GET /v1/tenants/:tenantId/statements/:month/rows.csv': { ...readsRecords, audited: true },
  'GET /v1/tenants/:tenantId/statements/:month/rows.ndjson': { ...readsRecords, audited: true },
  'GET /v1/tenants/:tenantId/statements/:month/rows.parquet': { ...readsRecords, audited: true },
  'GET /v1/statements/verification': {
    roles: VIEWERS,
    tenant: { in: 'query', name: 'tenant', without: 'filtered' },
  },

  'GET /v1/alerts': { roles: VIEWERS, tenant: 'filtered' },
  'GET /v1/tenants/:tenantId/alerts': reads,
  'GET /v1/tenants/:tenantId/alert-rules': reads,
  'PUT /v1/tenants/:tenantId/alert-rules': changes,
  'POST /v1/tenants/:tenantId/alert-rules/dry-run': tries,
  'POST /v1/alerts/:alertId/acknowledgements': ofBody,
  'POST /v1/alerts/silences': ofBody,
  'DELETE /v1/alerts/silences/:silenceId': {
    roles: ANALYSTS,
    tenant: { in: 'query', name: 'tenant', without: 'operators' },
  },
  'GET /v1/alerts/rules': operates,
  'PUT /v1/alerts/rules': operatorsChange,
  'GET /v1/alerts/targets': operates,
  'PUT /v1/alerts/targets': operatorsChange,
  'POST /v1/alerts/targets/:targetId/test': operatorsChange,
  'GET /v1/alerts/changes/:changeId': operates,

  'GET /v1/ledger': operates,
  'GET /v1/runs': operates,
  'GET /v1/dead-letters': operates,

  'GET /v1/keys': administers,
  'POST /v1/keys': administers,
  'DELETE /v1/keys/:keyId': administers,
  'GET /v1/audit': administers,
} as const satisfies AccessRules;
