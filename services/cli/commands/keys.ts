import { type KeysAnswer, keysAnswer, madeKeyAnswer } from '@tally/contract';
import { Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { dayText } from '../options.ts';
import { print, printJson, table } from '../print.ts';
import { withListOptions } from '../versioned-list.ts';
import { visible } from '../visible.ts';

const PATH = '/v1/keys';
const ROLES = ['admin', 'analyst', 'viewer', 'producer'];

interface KeysOptions extends ApiAddress {
  json: boolean;
}

interface CreateOptions extends KeysOptions {
  name: string;
  role: string;
  tenant?: string[];
  expires?: string;
}

/** `tally keys`: who may call, what they may do and for which tenants. */
export function keysCommand(): Command {
  const command = new Command('keys').description('keys for the api and the gateway: made, listed, revoked');
  const create = new Command('create')
    .description('make a key and print it, this once')
    .requiredOption('--name <name>', 'who or what will use it')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--tenant <tenant...>', 'the tenants that it is for; default: all')
    .option('--expires <day>', 'last day on which it is taken, UTC, YYYY-MM-DD; default: never', dayText)
    .action(createKey);
  const list = new Command('list')
    .description('every key there ever was, newest first')
    .action(async (options: KeysOptions) => {
      const answer = await ApiClient.of(options).call(PATH, { method: 'GET' }, keysAnswer);
      if (options.json) printJson(answer);
      else tell(answer);
    });
  const revoke = new Command('revoke')
    .description('take a key back for good; every service refuses it within seconds')
    .argument('<id>', 'its id, see `tally keys list`')
    .action(async (id: string, options: KeysOptions) => {
      await ApiClient.of(options).request(`${PATH}/${encodeURIComponent(id)}`, { method: 'DELETE' });
      if (options.json) printJson({ id, revoked: true });
      else print(`${id} is revoked; within 5 seconds no service takes it\n`);
    });
  return withListOptions(command, create, list, revoke);
}

async function createKey({ name, role, tenant = [], expires, json, ...address }: CreateOptions): Promise<void> {
  const body = { name, role, tenants: tenant, expiresOn: expires ?? null };
  const made = await ApiClient.of(address).call(PATH, { method: 'POST', body }, madeKeyAnswer);
  if (json) {
    printJson(made);
    return;
  }
  const until = made.expiresAt === null ? 'until it is revoked' : `before ${made.expiresAt}`;
  print(`${made.key}\n`);
  print(`${made.role} for ${tenantsIn(made.tenants)}, ${until}. It is not shown again; its id is ${made.id}.\n`);
}

function tell({ keys }: KeysAnswer): void {
  const titles = ['id', 'name', 'role', 'tenants', 'created', 'by', 'expires', 'last used', 'revoked'];
  print(
    table(
      titles.map((title) => ({ title })),
      keys.map((key) => [
        key.id,
        visible(key.name),
        key.role,
        tenantsIn(key.tenants),
        key.createdAt,
        visible(key.createdBy),
        key.expiresAt ?? 'never',
        key.lastUsedAt ?? 'never',
        key.revokedAt === null ? '' : `${key.revokedAt} by ${visible(key.revokedBy)}`,
      ]),
    ),
  );
  if (keys.length === 0) print('there is no key but the admin key of the configuration\n');
}

function tenantsIn(tenants: readonly string[]): string {
  return tenants.length === 0 ? 'all tenants' : tenants.join(', ');
}
