/**
 * `tally alerts targets` and `tally alerts test`: who is told, and whether it works.
 */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveriesAnswer, TargetsAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { AlertApi } from '../alert-api.ts';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { readListFile } from '../list-file.ts';
import { count, print, printJson, table } from '../print.ts';

interface TargetOptions extends ApiAddress {
  json: boolean;
}

/** `tally alerts targets show|set`. */
export function alertsTargetsCommand(): Command {
  const show = new Command('show')
    .description('who is told what')
    .action(async ({ json, ...address }: TargetOptions) => {
      const answer = await new AlertApi(ApiClient.of(address)).targets();
      if (json) printJson(answer);
      else tellTargets(answer);
    });
  const set = new Command('set')
    .description('replace the whole list; what was before stays on record')
    .argument(
      '<file>',
      'JSON: [{"id":"ops","kind":"webhook","address":"https://…","secrets":["env:TALLY_TARGET_OPS"],"operators":true}]',
    )
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action(async (file: string, { because, json, ...address }: TargetOptions & { because: string }) => {
      const targets = await readListFile(file, 'targets');
      const change = { targets, because, by: userInfo().username };
      const answer = await new AlertApi(ApiClient.of(address)).changeTargets(change);
      if (json) printJson(answer);
      else tellTargets(answer);
    });
  return new Command('targets')
    .description('who is told: webhooks, e-mail, chats, the topic of alerts')
    .addCommand(show)
    .addCommand(set);
}

function tellTargets({ targets, version }: TargetsAnswer): void {
  const rows = targets.map(({ id, kind, address, tenants, operators, lowestSeverity, perMinute, enabled }) => [
    id,
    kind,
    address,
    tenants.length === 0 ? 'all' : tenants.join(', '),
    operators ? 'yes' : '',
    lowestSeverity,
    count(perMinute),
    enabled ? 'yes' : 'NO',
  ]);
  const titles = ['target', 'kind', 'address', 'tenants', 'the pipeline', 'from', 'a minute', 'on'];
  print(
    table(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
  if (version) print(`changed ${version.at} by ${version.by}: ${version.because}\n`);
}

const TEST_MS_MAX = 60_000;
const POLL_MS = 500;
const FINAL = new Set(['delivered', 'refused', 'undeliverable']);

/** `tally alerts test`. */
export function alertsTestCommand(): Command {
  return new Command('test')
    .description('send a test to one target and wait for what becomes of it; exit 1 when it does not arrive')
    .argument('<target>', 'its id, see `tally alerts targets show`')
    .action(async (target: string, { json, ...address }: TargetOptions) => {
      const api = new AlertApi(ApiClient.of(address));
      const changeId = await api.testTarget(target, userInfo().username);
      const deliveries = await outcomeOf(api, changeId);
      const attempts = deliveries.filter(({ attempt }) => attempt > 0);
      const last = attempts.at(-1);
      if (json) printJson({ changeId, attempts });
      else {
        const rows = attempts.map(({ at, attempt, outcome, status, detail }) => [
          at,
          count(attempt),
          outcome,
          status === 0 ? '' : String(status),
          detail,
        ]);
        print(
          table(
            ['at', 'attempt', 'outcome', 'status', ''].map((title) => ({ title })),
            rows,
          ),
        );
      }
      if (last?.outcome === 'delivered') return;
      const message = last
        ? `${target} did not take it: ${last.detail}`
        : 'no attempt was made: does the notifier run?';
      throw new TallyError(message, { code: 'TEST_NOT_DELIVERED', retriable: true });
    });
}

/** The attempts until one is the last, or there was one that is to be repeated, or a minute has passed. */
async function outcomeOf(api: AlertApi, changeId: string): Promise<DeliveriesAnswer['deliveries']> {
  for (const deadline = Date.now() + TEST_MS_MAX; ; await sleep(POLL_MS)) {
    const deliveries = await api.deliveries(changeId);
    const tried = deliveries.some(
      ({ attempt, outcome }) => attempt > 0 && (FINAL.has(outcome) || outcome === 'failed'),
    );
    if (tried || Date.now() > deadline) return deliveries;
  }
}
