/**
 * `tally statement`: what a month's usage was, on paper that does not change.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { VerificationAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import { digestOf, STATEMENT_FAULTS, type Statement, type StatementFaultKind, statementOf } from '@tally/statements';
import { Argument, Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption, monthText } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { tellStatement } from '../statement-print.ts';
import { statementExplainCommand } from './statement-explain.ts';
import { statementExportCommand } from './statement-export.ts';
import { statementIssueAllCommand } from './statement-issue-all.ts';

interface StatementOptions extends ApiAddress {
  json: boolean;
}

const tenantArgument = (): Argument => new Argument('<tenant>', 'tenant id');
const monthArgument = (): Argument => new Argument('<month>', 'YYYY-MM').argParser(monthText);

/** `tally statement`. */
export function statementCommand(): Command {
  const command = new Command('statement').description(
    'statements of a tenant’s months: issued once, never changed, and every figure with what is behind it',
  );
  for (const part of [issueCommand(), listCommand(), showCommand(), verifyCommand()]) {
    part.addOption(jsonOption());
    for (const option of apiOptions()) part.addOption(option);
    command.addCommand(part);
  }
  for (const part of [statementExplainCommand(), statementExportCommand(), statementIssueAllCommand()]) {
    command.addCommand(part);
  }
  return command;
}

function issueCommand(): Command {
  return new Command('issue')
    .description('issue a month’s statement; the one there is already stays, and is shown')
    .addArgument(tenantArgument())
    .addArgument(monthArgument())
    .option('--by <name>', 'who issues it; it stands in the statement', userInfo().username)
    .action(async (tenant: string, month: string, { by, json, ...address }: StatementOptions & { by: string }) => {
      const { statement, issued } = await ApiClient.of(address).issueStatement(tenant, month, by);
      if (json) return printJson({ issued, ...statement });
      tellStatement(statement);
      print(issued ? 'Issued now.\n' : `Issued before, on ${statement.issuedAt} by ${statement.issuedBy}.\n`);
    });
}

function listCommand(): Command {
  return new Command('list')
    .description('a tenant’s statements')
    .addArgument(tenantArgument())
    .action(async (tenantId: string, { json, ...address }: StatementOptions) => {
      const answer = await ApiClient.of(address).statements(tenantId);
      if (json) return printJson({ tenantId, ...answer });
      const numbers = ['interactions', 'over', 'engaged at its peak', 'over', 'unified at its peak', 'over', 'to buy'];
      const rows = answer.statements.map((one) => [
        one.month,
        count(one.number),
        one.issuedAt.slice(0, 10),
        ...[one.interactions, one.engagedPeoplePeak, one.unifiedPeoplePeak].flatMap(({ used, overage }) => [
          count(used),
          overage === 0 ? '' : count(overage),
        ]),
        one.peopleToBuy ? count(one.peopleToBuy) : '',
        one.adjustments === 0 ? '' : count(one.adjustments),
        one.digest.slice(0, 'sha256:'.length + 12),
      ]);
      const columns = [{ title: 'month' }, { title: 'no.', right: true }, { title: 'issued' }];
      const last = [{ title: 'adjustments', right: true }, { title: 'digest' }];
      print(table([...columns, ...numbers.map((title) => ({ title, right: true })), ...last], rows));
    });
}

const FORMATS = ['json', 'csv', 'xlsx', 'pdf'] as const;

function showCommand(): Command {
  return new Command('show')
    .description('a statement, as a table or as a file')
    .addArgument(tenantArgument())
    .addArgument(monthArgument())
    .addOption(new Option('--format <format>', 'of a file').choices(FORMATS))
    .option('--out <file>', 'where the file goes; default: TENANT-MONTH.FORMAT here')
    .action(async (tenantId: string, month: string, options: StatementOptions & { format?: string; out?: string }) => {
      const { format, out, json, ...address } = options;
      const api = ApiClient.of(address);
      if (format === undefined && out === undefined) {
        const statement = await api.statement(tenantId, month);
        return json ? printJson(statement) : tellStatement(statement);
      }
      const kind = format ?? FORMATS.find((one) => out?.endsWith(`.${one}`));
      if (kind === undefined) {
        const message = `${out} has none of the endings ${FORMATS.join(', ')}: name a --format`;
        throw new TallyError(message, { code: 'FORMAT_UNKNOWN', retriable: false });
      }
      const file = out ?? `${tenantId}-${month}.${kind}`;
      const bytes = await api.statementFile(tenantId, month, kind);
      writeFileSync(file, bytes);
      if (json) return printJson({ file, bytes: bytes.length });
      print(`${file}, ${count(bytes.length)} bytes\n`);
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'hold statements against their digests, one another and their topic; exit 1 when one was changed or is missing',
    )
    .argument('[tenant]', 'tenant id; default: all')
    .option('--file <json>', 'hold a statement’s JSON file against its own digest, and against the statement on record')
    .action(async (tenant: string | undefined, options: StatementOptions & { file?: string }) => {
      const { file, json, ...address } = options;
      const api = ApiClient.of(address);
      if (file !== undefined) return verifyFile(api, file, json);
      const answer = await api.verifyStatements(tenant === undefined ? {} : { tenant });
      if (answer.faults.length > 0) process.exitCode = 1;
      if (json) return printJson(answer);
      tellVerification(answer);
    });
}

async function verifyFile(api: ApiClient, file: string, json: boolean): Promise<void> {
  const text = readFileSync(file, 'utf8');
  const { tenantId, month, digest } = statementOf(text);
  const own = digestOf(JSON.parse(text) as Statement) === digest;
  const onRecord = (await api.statement(tenantId, month)).digest === digest;
  if (!own || !onRecord) process.exitCode = 1;
  if (json) return printJson({ file, tenantId, month, digest, digestIsOfContent: own, isOnRecord: onRecord });
  const told = own ? 'the content has this digest' : 'THE CONTENT WAS CHANGED: it has another digest';
  const recorded = onRecord ? 'it is the statement on record' : 'THE STATEMENT ON RECORD IS ANOTHER ONE';
  print(`${tenantId}, ${month}, ${digest}\n${told}; ${recorded}.\n`);
}

function tellVerification({ statements, inTopic, faults }: VerificationAnswer): void {
  if (faults.length > 0) {
    const rows = faults.map(({ tenantId, number, month, fault }) => [
      tenantId,
      count(number),
      month,
      STATEMENT_FAULTS[fault as StatementFaultKind] ?? fault,
    ]);
    print(table([{ title: 'tenant' }, { title: 'no.', right: true }, { title: 'month' }, { title: 'fault' }], rows));
  }
  const verdict = faults.length === 0 ? 'Nothing was changed, nothing is missing.' : 'NOT AS ISSUED.';
  print(`${verdict} ${count(statements)} statements in the table, ${count(inTopic)} in the topic.\n`);
}
