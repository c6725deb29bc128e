/**
 * `tally alerts rules` and `tally alerts dry-run`: what is watched, and what it would have said.
 */
import { userInfo } from 'node:os';
import type { RulesAnswer } from '@tally/contract';
import { Command } from 'commander';
import { AlertApi } from '../alert-api.ts';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { LinesRefused } from '../list-change.ts';
import { readListFile } from '../list-file.ts';
import { count, print, printJson, table } from '../print.ts';

interface RulesOptions extends ApiAddress {
  json: boolean;
}

/** `tally alerts rules show|set`. */
export function alertsRulesCommand(): Command {
  const show = new Command('show')
    .description('the rules in force')
    .argument('[tenant]', 'tenant id; without one the rules about the pipeline')
    .action(async (tenant: string | undefined, { json, ...address }: RulesOptions) => {
      const answer = await new AlertApi(ApiClient.of(address)).rules(tenant);
      if (json) printJson(answer);
      else tellRules(answer);
    });
  const set = new Command('set')
    .description('own rules in place of default ones of the same name; what was before stays on record')
    .argument(
      '<file>',
      'JSON: [{"name":"quota-share-engaged","levels":{"critical":0.95}},{"name":"unusual-volume","off":true}]',
    )
    .argument('[tenant]', 'tenant id; without one the rules about the pipeline')
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action(async (file: string, tenant: string | undefined, options: RulesOptions & { because: string }) => {
      const { because, json, ...address } = options;
      const change = { rules: await readListFile(file, 'rules'), because, by: userInfo().username };
      const answer = await told(json, new AlertApi(ApiClient.of(address)).changeRules(tenant, change));
      if (json) printJson(answer);
      else tellRules(answer);
    });
  return new Command('rules')
    .description('what is watched, and from where on it alerts')
    .addCommand(show)
    .addCommand(set);
}

/** `tally alerts dry-run`. */
export function alertsDryRunCommand(): Command {
  return new Command('dry-run')
    .description('what the rules would have said of a tenant in the last 12 months; nothing is told')
    .argument('<tenant>', 'tenant id')
    .option('--rules <file>', 'own rules to try, JSON as for `rules set`; default: those in force')
    .option('--rule <name>', 'only what this rule would have said')
    .action(async (tenant: string, options: RulesOptions & { rules?: string; rule?: string }) => {
      const { rules, rule, json, ...address } = options;
      const asked = new AlertApi(ApiClient.of(address)).dryRun(
        tenant,
        rules === undefined ? undefined : await readListFile(rules, 'rules'),
      );
      const { from, to, changes } = await told(json, asked);
      const wanted = changes.filter(({ alert }) => rule === undefined || alert.rule === rule);
      if (json) return printJson({ tenantId: tenant, from, to, changes: wanted });
      const rows = wanted.map(({ at, change, alert }) => [
        at.slice(0, 10),
        change,
        alert.state === 'open' ? alert.severity : '',
        alert.rule,
        alert.title,
      ]);
      print(
        table(
          ['day', 'change', 'severity', 'rule', 'what'].map((title) => ({ title })),
          rows,
        ),
      );
      print(`${count(wanted.length)} changes from ${from} to ${to}, by what is known now.\n`);
    });
}

/** Each line that cannot be is told with its reason before the error goes on. */
async function told<Answer>(json: boolean, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof LinesRefused) {
      if (json) printJson({ faults: error.faults });
      else {
        const rows = error.faults.map(({ line, field, message }) => [String(line), field, message]);
        print(table([{ title: 'rule', right: true }, { title: 'field' }, { title: 'refused: it' }], rows));
      }
    }
    throw error;
  }
}

function tellRules({ rules, own, version }: RulesAnswer): void {
  const changed = new Set(own.map(({ name }) => name));
  const rows = rules.map(({ name, title, levels, hysteresis }) => [
    changed.has(name) ? `${name} *` : name,
    title,
    ...['info', 'warning', 'critical'].map((severity) =>
      levels[severity] === undefined ? '' : String(levels[severity]),
    ),
    String(hysteresis),
  ]);
  const levels = ['info', 'warning', 'critical', 'hysteresis'].map((title) => ({ title, right: true }));
  print(table([{ title: 'rule' }, { title: 'what' }, ...levels], rows));
  const off = own.filter((one) => one['off'] === true).map(({ name }) => name);
  if (off.length > 0) print(`off: ${off.join(', ')}\n`);
  if (version) print(`* own, decided ${version.at} by ${version.by}: ${version.because}\n`);
}
