/**
 * `tally alerts`: what is open, and what people say about it.
 */
import { userInfo } from 'node:os';
import type { AlertsAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AlertApi } from '../alert-api.ts';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { alertsDryRunCommand, alertsRulesCommand } from './alerts-rules.ts';
import { alertsTargetsCommand, alertsTestCommand } from './alerts-targets.ts';

interface AlertOptions extends ApiAddress {
  json: boolean;
}

const LISTED = 50;
const ALERT_ID_CHARS = 8;

/** `tally alerts`. */
export function alertsCommand(): Command {
  const command = new Command('alerts').description(
    'what must be known in time: quotas about to be overrun, unusual days, a pipeline that is behind',
  );
  const parts = [
    ...[listCommand(), ackCommand(), silenceCommand(), unsilenceCommand()],
    ...[alertsRulesCommand(), alertsDryRunCommand(), alertsTargetsCommand(), alertsTestCommand()],
  ];
  for (const part of parts) {
    for (const leaf of part.commands.length > 0 ? part.commands : [part]) {
      leaf.addOption(jsonOption());
      for (const option of apiOptions()) leaf.addOption(option);
    }
    command.addCommand(part);
  }
  return command;
}

function listCommand(): Command {
  return new Command('list')
    .description('open alerts, and those that resolved; of all tenants and of the pipeline without a tenant')
    .argument('[tenant]', 'tenant id')
    .addOption(new Option('--state <state>', 'only these').choices(['open', 'resolved']))
    .option('--deliveries', 'every attempt to tell them', false)
    .action(async (tenant: string | undefined, options: AlertOptions & { state?: string; deliveries: boolean }) => {
      const { state, deliveries, json, ...address } = options;
      const query = { limit: String(LISTED), ...(state === undefined ? {} : { state }) };
      const answer = await new AlertApi(ApiClient.of(address)).list(tenant, query);
      if (json) return printJson(answer);
      tellAlerts(answer);
      if (deliveries) tellDeliveries(answer);
    });
}

function tellAlerts({ alerts, silences, next }: AlertsAnswer): void {
  if (alerts.length === 0) print('No alerts.\n');
  else {
    const rows = alerts.map((alert) => [
      alert.id.slice(0, ALERT_ID_CHARS),
      alert.tenantId ?? 'the pipeline',
      alert.state === 'open' ? alert.severity : 'resolved',
      alert.rule,
      alert.title,
      alert.openedAt.slice(0, 16).replace('T', ' '),
      toldText(alert),
    ]);
    const titles = ['alert', 'tenant', 'state', 'rule', 'what', 'since (UTC)', 'told'];
    print(
      table(
        titles.map((title) => ({ title })),
        rows,
      ),
    );
    if (next !== null) print(`The newest ${count(alerts.length)}; there are more.\n`);
  }
  for (const { id, tenantId, rule, until, by, reason } of silences) {
    print(
      `silenced until ${until} by ${by}: ${tenantId ?? 'the pipeline'}, ${rule ?? 'all rules'}: ${reason} (${id})\n`,
    );
  }
}

function toldText({ changes, acknowledgements }: AlertsAnswer['alerts'][number]): string {
  const [acknowledged] = acknowledgements;
  if (acknowledged) return `acknowledged by ${acknowledged.by}`;
  const [newest] = changes;
  if (!newest?.told) return 'kept back';
  const byTarget = new Map(newest.deliveries.map(({ target, outcome }) => [target, outcome]));
  return [...byTarget].map(([target, outcome]) => `${target} ${outcome}`).join(', ');
}

function tellDeliveries({ alerts }: AlertsAnswer): void {
  const rows = alerts.flatMap(({ id, changes }) =>
    changes.flatMap((change) =>
      change.deliveries.map(({ at, target, attempt, outcome, status, detail }) => [
        id.slice(0, ALERT_ID_CHARS),
        change.change,
        at,
        target,
        count(attempt),
        outcome,
        status === 0 ? '' : String(status),
        detail,
      ]),
    ),
  );
  const titles = ['alert', 'change', 'at', 'target', 'attempt', 'outcome', 'status', ''];
  print(
    table(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
}

function moment(written: string): string {
  const at = Date.parse(written);
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new InvalidArgumentError('expected a moment, as 2026-11-22T18:00:00Z');
}

function ackCommand(): Command {
  return new Command('ack')
    .description('say that somebody knows: an alert is told again only when it gets worse, or resolves')
    .argument('<alert>', 'its id, or the beginning of it, see `tally alerts list`')
    .requiredOption('--because <reason>', 'why; it stays on record')
    .option('--until <moment>', 'it does not hold from then on, as 2026-11-22T18:00:00Z', moment)
    .action(async (written: string, options: AlertOptions & { because: string; until?: string }) => {
      const { because, until, json, ...address } = options;
      const api = new AlertApi(ApiClient.of(address));
      const { id, tenantId } = await alertNamed(api, written);
      const said = { tenantId, until: until ?? null, reason: because, by: userInfo().username };
      const answer = await api.acknowledge(id, said);
      if (json) return printJson(answer);
      print(`${id} is acknowledged at ${answer.severity}.\n`);
    });
}

async function alertNamed(api: AlertApi, written: string): Promise<{ id: string; tenantId: string | null }> {
  const found = new Map<string, { id: string; tenantId: string | null }>();
  let after: string | undefined;
  do {
    const query = { limit: '500', ...(after === undefined ? {} : { after }) };
    const { alerts, next } = await api.list(undefined, query);
    for (const { id, tenantId } of alerts) if (id.startsWith(written)) found.set(id, { id, tenantId });
    after = next ?? undefined;
  } while (after !== undefined);
  const [only, second] = found.values();
  if (only && !second) return only;
  const message = only ? `${written} is the beginning of several alerts` : `there is no alert ${written}`;
  throw new TallyError(message, { code: 'ALERT_UNKNOWN', retriable: false });
}

function silenceCommand(): Command {
  return new Command('silence')
    .description('tell nothing until a moment; what is still so then is told then')
    .argument('[tenant]', 'tenant id; without one the alerts about the pipeline')
    .option('--rule <name>', 'only of this rule')
    .option('--subject <subject>', 'only about this: a meter, a topic')
    .option('--from <moment>', 'default: now', moment)
    .requiredOption('--until <moment>', 'as 2026-11-22T18:00:00Z', moment)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action(async (tenant: string | undefined, options: AlertOptions & SilenceOptions) => {
      const { rule, subject, from, until, because, json, ...address } = options;
      const answer = await new AlertApi(ApiClient.of(address)).silence({
        tenantId: tenant ?? null,
        rule: rule ?? null,
        subject: subject ?? null,
        ...(from === undefined ? {} : { from }),
        until,
        reason: because,
        by: userInfo().username,
      });
      if (json) return printJson(answer);
      print(`Silenced until ${answer.until}; \`tally alerts unsilence ${answer.id}\` ends it earlier.\n`);
    });
}

interface SilenceOptions {
  rule?: string;
  subject?: string;
  from?: string;
  until: string;
  because: string;
}

function unsilenceCommand(): Command {
  return new Command('unsilence')
    .description('end a silence now')
    .argument('<silence>', 'its id')
    .option('--tenant <tenant>', 'the tenant it is of; default: the pipeline')
    .action(async (id: string, { tenant, json, ...address }: AlertOptions & { tenant?: string }) => {
      await new AlertApi(ApiClient.of(address)).endSilence(id, tenant);
      if (json) return printJson({ id, ended: true });
      print('The silence has ended.\n');
    });
}
