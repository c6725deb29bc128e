import { userInfo } from 'node:os';
import type { PoliciesAnswer, PolicyStartAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { dayText } from '../options.ts';
import { print, printJson, table } from '../print.ts';
import { withListOptions } from '../versioned-list.ts';

interface PolicyOptions extends ApiAddress {
  json: boolean;
}

interface DecideOptions extends PolicyOptions {
  from?: string;
  because: string;
}

/** `tally policy`: which counting policy is in force for a tenant from which day. */
export function policyCommand(): Command {
  const command = new Command('policy').description('what counts for a tenant, from which day, and who decided it');
  const show = new Command('show')
    .description('the policies in force for a tenant, and every decision')
    .argument('<tenant>', 'tenant id')
    .action(async (tenant: string, options: PolicyOptions) => {
      tell(tenant, options, await ApiClient.of(options).policies(tenant));
    });
  const set = new Command('set')
    .description('let a policy count what happens from a day on; nothing is ingested again')
    .argument('<tenant>', 'tenant id')
    .argument('<policy>', 'name of the policy, see `tally policy show`')
    .option('--from <day>', 'first day, YYYY-MM-DD; default: from the beginning', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, policy: string, options: DecideOptions) =>
      decide(tenant, options, (starts) => [...others(starts, options), { from: options.from ?? null, policy }]),
    );
  const unset = new Command('unset')
    .description('take back that a policy begins on a day; what was before goes on')
    .argument('<tenant>', 'tenant id')
    .requiredOption('--from <day>', 'the day on which it begins, YYYY-MM-DD', dayText)
    .requiredOption('--because <reason>', 'why; it stays on record')
    .action((tenant: string, options: DecideOptions) =>
      decide(tenant, options, (starts) => {
        const left = others(starts, options);
        if (left.length < starts.length) return left;
        throw new TallyError(`no policy of ${tenant} begins on ${options.from ?? 'that day'}`, {
          code: 'POLICY_START_UNKNOWN',
          retriable: false,
        });
      }),
    );
  return withListOptions(command, show, set, unset);
}

function others(starts: readonly PolicyStartAnswer[], { from = null }: { from?: string | null }): PolicyStartAnswer[] {
  return starts.filter((start) => start.from !== from);
}

async function decide(
  tenant: string,
  options: DecideOptions,
  change: (starts: PolicyStartAnswer[]) => PolicyStartAnswer[],
): Promise<void> {
  const api = ApiClient.of(options);
  const { policies } = await api.policies(tenant);
  const decision = { policies: change(policies), because: options.because, by: userInfo().username };
  tell(tenant, options, await api.decidePolicies(tenant, decision));
}

function tell(tenant: string, { json }: PolicyOptions, answer: PoliciesAnswer): void {
  if (json) {
    printJson({ tenantId: tenant, ...answer });
    return;
  }
  const { policies, decisions, known } = answer;
  const inForce = policies.map(({ from, policy }) => {
    const { directions = [], channels = [] } = known.find(({ name }) => name === policy) ?? {};
    return [from ?? 'the beginning', policy, directions.join(', '), channels.join(', ')];
  });
  print(table([{ title: 'from' }, { title: 'policy' }, { title: 'directions' }, { title: 'channels' }], inForce));
  print(`known policies: ${known.map(({ name }) => name).join(', ')}\n`);
  if (decisions.length === 0) return;
  const decided = decisions.map(({ at, by, because, policies: starts }) => [
    at,
    by,
    because,
    starts.map(({ from, policy }) => (from === null ? policy : `${policy} from ${from}`)).join(', '),
  ]);
  print(table([{ title: 'decided' }, { title: 'by' }, { title: 'because' }, { title: 'policies' }], decided));
}
