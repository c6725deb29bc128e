/**
 * Every route for readers: what it is for, what it takes and what it answers. The schemas are those that requests are
 * checked by; a route of the table of access that is missing here does not compile.
 */
import {
  acknowledgementAnswer,
  alertsAnswer,
  auditAnswer,
  catalogueAnswer,
  conflictsAnswer,
  curveAnswer,
  deadLettersAnswer,
  deliveriesAnswer,
  dryRunAnswer,
  engagedAnswer,
  environmentsAnswer,
  explanationAnswer,
  interactionsAnswer,
  keysAnswer,
  ledgerAnswer,
  licencesAnswer,
  madeKeyAnswer,
  overviewAnswer,
  policiesAnswer,
  publishedAnswer,
  quotaAnswer,
  rulesAnswer,
  runsAnswer,
  sessionAnswer,
  silenceAnswer,
  statementExplanation,
  statementRowsAnswer,
  statementsAnswer,
  targetsAnswer,
  tenantsAnswer,
  testAnswer,
  trueUpAnswer,
  unificationRulesAnswer,
  unifiedAnswer,
  unifiedHistoryAnswer,
  verificationAnswer,
} from '@tally/contract';
import { environmentLine, licenceLine } from '@tally/metering';
import { statementDocument } from '@tally/statements';
import { z } from 'zod';
import type { ACCESS_RULES } from '../access-rules.ts';
import {
  acknowledgementBody,
  alertRulesBody,
  alertsAsked,
  alertTargetsBody,
  allAlertsAsked,
  dryRunBody,
  silenceBody,
  testBody,
} from '../alerts.ts';
import { auditAsked } from '../audit.ts';
import { conflictsAsked } from '../conflicts.ts';
import { deadLettersAsked } from '../dead-letters.ts';
import { figureAsked, rowsAsked } from '../evidence.ts';
import { keyBody } from '../keys.ts';
import { dayAsked, daysAsked, monthsAsked } from '../parameters.ts';
import { policiesBody } from '../policies.ts';
import { publishedAsked } from '../published.ts';
import { quotaAsked, trueUpAsked } from '../quota.ts';
import { runsAsked } from '../runs.ts';
import { sessionBody } from '../session.ts';
import { issuingBody, verificationAsked } from '../statements.ts';
import { explainAsked, unificationBody } from '../unified.ts';
import { historyAsked, LINES_MAX, listDecision } from '../versioned-lists.ts';

export interface Operation {
  /** What a client calls it. */
  id: string;
  /** One line. */
  summary: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Of JSON; other types are named in `files`. Without both the answer has no body. */
  answer?: z.ZodType;
  files?: readonly string[];
  /** Of success; 200 unless told. */
  status?: 201 | 202 | 204;
}

/** Without documents of their own: probes are for machines that know them, files for browsers. */
type Undocumented = 'GET /*' | 'GET /docs' | 'GET /openapi.json' | 'GET /metrics';
type Documented = Exclude<keyof typeof ACCESS_RULES, Undocumented>;

const probe = z.object({ ok: z.boolean(), detail: z.string().optional() });
/** Lines are checked one by one, so that each fault is told with its line: that is not what these do. */
const licencesBody = listDecision.extend({ licences: z.array(licenceLine).max(LINES_MAX) });
const environmentsBody = listDecision.extend({ environments: z.array(environmentLine).max(LINES_MAX) });
const rowsFile = (format: string, type: string): Operation => ({
  id: `exportRowsAs${format}`,
  summary: `All rows behind a figure of a statement, as ${format}`,
  query: figureAsked,
  files: [type],
});

export const OPERATIONS: Record<Documented, Operation> = {
  'GET /health/live': { id: 'isLive', summary: 'Whether the process answers', answer: probe },
  'GET /health/ready': { id: 'isReady', summary: 'Whether it can do its work now', answer: probe },
  'POST /v1/session': {
    id: 'beginSession',
    summary: 'Trade a key or a token for the cookie of a session',
    body: sessionBody,
    answer: sessionAnswer,
  },
  'GET /v1/session': { id: 'session', summary: 'Who is asking', answer: sessionAnswer },
  'DELETE /v1/session': { id: 'endSession', summary: 'End the session of the cookie', status: 204 },
  'GET /v1/tenants': { id: 'tenants', summary: 'The tenants that the caller may see', answer: tenantsAnswer },
  'GET /v1/overview': { id: 'overview', summary: 'All of these at a glance', answer: overviewAnswer },
  'GET /v1/catalogue': { id: 'catalogue', summary: 'What can be licensed', answer: catalogueAnswer },
  'GET /v1/tenants/:tenantId/interactions': {
    id: 'interactions',
    summary: 'Interactions by month, channel and environment',
    query: monthsAsked,
    answer: interactionsAnswer,
  },
  'GET /v1/tenants/:tenantId/engaged': {
    id: 'engaged',
    summary: 'Engaged people on a day',
    query: dayAsked,
    answer: engagedAnswer,
  },
  'GET /v1/tenants/:tenantId/engaged/curve': {
    id: 'engagedCurve',
    summary: 'Engaged people on every day',
    query: daysAsked,
    answer: curveAnswer,
  },
  'GET /v1/tenants/:tenantId/published': {
    id: 'published',
    summary: 'Every figure ever published of a month or a day',
    query: publishedAsked,
    answer: publishedAnswer,
  },
  'GET /v1/tenants/:tenantId/conflicts': {
    id: 'conflicts',
    summary: 'Event ids that came again with other content',
    query: conflictsAsked,
    answer: conflictsAnswer,
  },
  'GET /v1/tenants/:tenantId/unified': { id: 'unified', summary: 'Unified people', answer: unifiedAnswer },
  'GET /v1/tenants/:tenantId/unified/history': {
    id: 'unifiedHistory',
    summary: 'Unified people as they were published, day by day',
    query: daysAsked,
    answer: unifiedHistoryAnswer,
  },
  'GET /v1/tenants/:tenantId/unified/explain': {
    id: 'explainUnified',
    summary: 'What holds the profile of a record together',
    query: explainAsked,
    answer: explanationAnswer,
  },
  'GET /v1/tenants/:tenantId/unified/rules': {
    id: 'unificationRules',
    summary: 'Which identifiers join records',
    answer: unificationRulesAnswer,
  },
  'PUT /v1/tenants/:tenantId/unified/rules': {
    id: 'setUnificationRules',
    summary: 'Decide which identifiers join records',
    body: unificationBody,
    answer: unificationRulesAnswer,
  },
  'GET /v1/tenants/:tenantId/policies': {
    id: 'policies',
    summary: 'What counts from which day',
    answer: policiesAnswer,
  },
  'PUT /v1/tenants/:tenantId/policies': {
    id: 'decidePolicies',
    summary: 'Decide what counts from which day',
    body: policiesBody,
    answer: policiesAnswer,
  },
  'GET /v1/tenants/:tenantId/licences': {
    id: 'licences',
    summary: 'What the tenant bought',
    query: historyAsked,
    answer: licencesAnswer,
  },
  'PUT /v1/tenants/:tenantId/licences': {
    id: 'changeLicences',
    summary: 'Replace the list of what the tenant bought',
    body: licencesBody,
    answer: licencesAnswer,
  },
  'GET /v1/tenants/:tenantId/environments': {
    id: 'environments',
    summary: 'The tenant’s environments',
    query: historyAsked,
    answer: environmentsAnswer,
  },
  'PUT /v1/tenants/:tenantId/environments': {
    id: 'changeEnvironments',
    summary: 'Replace the list of environments',
    body: environmentsBody,
    answer: environmentsAnswer,
  },
  'GET /v1/tenants/:tenantId/quota': {
    id: 'quota',
    summary: 'Owned, used and left of each meter on a day',
    query: quotaAsked,
    answer: quotaAnswer,
  },
  'GET /v1/tenants/:tenantId/true-up': {
    id: 'trueUp',
    summary: 'What was missing at the peak of a licence year',
    query: trueUpAsked,
    answer: trueUpAnswer,
  },
  'GET /v1/tenants/:tenantId/statements': { id: 'statements', summary: 'Statements issued', answer: statementsAnswer },
  'POST /v1/tenants/:tenantId/statements/:month': {
    id: 'issueStatement',
    summary: 'Issue the statement of a month; 200 with the same bytes once it is issued',
    body: issuingBody,
    answer: statementDocument,
    status: 201,
  },
  'GET /v1/tenants/:tenantId/statements/:file': {
    id: 'statement',
    summary: 'A statement: YYYY-MM as JSON, or YYYY-MM.csv, .xlsx, .pdf',
    answer: statementDocument,
    files: ['text/csv', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'application/pdf'],
  },
  'GET /v1/tenants/:tenantId/statements/:month/explain': {
    id: 'explainStatement',
    summary: 'How a figure of a statement is made',
    query: figureAsked,
    answer: statementExplanation,
  },
  'GET /v1/tenants/:tenantId/statements/:month/rows': {
    id: 'statementRows',
    summary: 'The rows behind a figure of a statement, page by page',
    query: rowsAsked,
    answer: statementRowsAnswer,
  },
  'GET /v1/tenants/:tenantId/statements/:month/rows.csv': rowsFile('Csv', 'text/csv'),
  'GET /v1/tenants/:tenantId/statements/:month/rows.ndjson': rowsFile('Ndjson', 'application/x-ndjson'),
  'GET /v1/tenants/:tenantId/statements/:month/rows.parquet': rowsFile('Parquet', 'application/vnd.apache.parquet'),
  'GET /v1/statements/verification': {
    id: 'verifyStatements',
    summary: 'Hold statements against their digests, one another and the log',
    query: verificationAsked,
    answer: verificationAnswer,
  },
  'GET /v1/alerts': {
    id: 'alerts',
    summary: 'Alerts of all tenants that the caller may see',
    query: allAlertsAsked,
    answer: alertsAnswer,
  },
  'GET /v1/tenants/:tenantId/alerts': {
    id: 'tenantAlerts',
    summary: 'Alerts and their deliveries',
    query: alertsAsked,
    answer: alertsAnswer,
  },
  'GET /v1/tenants/:tenantId/alert-rules': { id: 'alertRules', summary: 'Rules in force', answer: rulesAnswer },
  'PUT /v1/tenants/:tenantId/alert-rules': {
    id: 'changeAlertRules',
    summary: 'Replace the tenant’s own rules',
    body: alertRulesBody,
    answer: rulesAnswer,
  },
  'POST /v1/tenants/:tenantId/alert-rules/dry-run': {
    id: 'tryAlertRules',
    summary: 'What rules would have said in the last 12 months',
    body: dryRunBody,
    answer: dryRunAnswer,
  },
  'POST /v1/alerts/:alertId/acknowledgements': {
    id: 'acknowledgeAlert',
    summary: 'Say that somebody knows of an alert',
    body: acknowledgementBody,
    answer: acknowledgementAnswer,
    status: 201,
  },
  'POST /v1/alerts/silences': {
    id: 'beginSilence',
    summary: 'Let nothing be told for a while',
    body: silenceBody,
    answer: silenceAnswer,
    status: 201,
  },
  'DELETE /v1/alerts/silences/:silenceId': {
    id: 'endSilence',
    summary: 'End a silence',
    query: verificationAsked,
    status: 204,
  },
  'GET /v1/alerts/rules': { id: 'pipelineAlertRules', summary: 'Rules about the pipeline', answer: rulesAnswer },
  'PUT /v1/alerts/rules': {
    id: 'changePipelineAlertRules',
    summary: 'Replace the own rules about the pipeline',
    body: alertRulesBody,
    answer: rulesAnswer,
  },
  'GET /v1/alerts/targets': { id: 'alertTargets', summary: 'Who is told', answer: targetsAnswer },
  'PUT /v1/alerts/targets': {
    id: 'changeAlertTargets',
    summary: 'Replace the list of who is told',
    body: alertTargetsBody,
    answer: targetsAnswer,
  },
  'POST /v1/alerts/targets/:targetId/test': {
    id: 'testAlertTarget',
    summary: 'Send a test to a target',
    body: testBody,
    answer: testAnswer,
    status: 202,
  },
  'GET /v1/alerts/changes/:changeId': {
    id: 'alertDeliveries',
    summary: 'What became of telling a change',
    answer: deliveriesAnswer,
  },
  'GET /v1/ledger': { id: 'ledger', summary: 'What became of every record of the log', answer: ledgerAnswer },
  'GET /v1/runs': { id: 'runs', summary: 'The aggregator’s newest runs', query: runsAsked, answer: runsAnswer },
  'GET /v1/dead-letters': {
    id: 'deadLetters',
    summary: 'What could not count and why',
    query: deadLettersAsked,
    answer: deadLettersAnswer,
  },
  'GET /v1/keys': { id: 'keys', summary: 'Every key there ever was', answer: keysAnswer },
  'POST /v1/keys': {
    id: 'makeKey',
    summary: 'Make a key, which is shown this once',
    body: keyBody,
    answer: madeKeyAnswer,
    status: 201,
  },
  'DELETE /v1/keys/:keyId': { id: 'revokeKey', summary: 'Revoke a key for good', status: 204 },
  'GET /v1/audit': {
    id: 'audit',
    summary: 'Who changed what, and who read which statement',
    query: auditAsked,
    answer: auditAnswer,
  },
};
