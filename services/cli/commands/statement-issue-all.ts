/**
 * `tally statement issue-all`: every statement that is due, as the aggregator's job issues them.
 */
import { userInfo } from 'node:os';
import { createLog } from '@tally/platform/log';
import { issueDue, statementConfig, statementSources } from '@tally/statements';
import { Command } from 'commander';
import { connect } from '../connection.ts';
import { dataOption, jsonOption, monthText } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { type Progress, progressBar } from '../progress.ts';

interface IssueAllOptions {
  data: string;
  since?: string;
  by: string;
  json: boolean;
}

export function statementIssueAllCommand(): Command {
  return new Command('issue-all')
    .description(
      'issue every statement that is due, of all tenants; works on the Kafka and the ClickHouse of the instance, or on ' +
        'those of TALLY_KAFKA, TALLY_CLICKHOUSE_URL, …; exit 1 when one could not be issued',
    )
    .option('--since <month>', 'with which month tenants begin that have no statement; default: the last', monthText)
    .option('--by <name>', 'who issues them; it stands in the statements', userInfo().username)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(issueAll);
}

async function issueAll({ data, since, by, json }: IssueAllOptions): Promise<void> {
  const { kafka, admin, clickhouse, topics, groupId, close } = connect(data);
  const { TALLY_STATEMENT_GRACE_DAYS: graceDays } = statementConfig.parse(process.env);
  const log = createLog('tally', 'error');
  const sources = statementSources({ kafka, admin, clickhouse, topics, groupId, graceDays, clock: Date.now, log });
  let progress: Progress | undefined;
  const begun = Date.now();
  try {
    const result = await issueDue(sources, {
      by,
      since,
      onProgress: (done, total) => {
        progress ??= progressBar('statements', total, 'tenant months');
        progress.update(done);
      },
    });
    progress?.finish(result.issued + result.before + result.failed.length);
    progress?.stop();
    progress = undefined;
    const seconds = (Date.now() - begun) / 1_000;
    if (result.failed.length > 0) process.exitCode = 1;
    if (json) return printJson({ ...result, seconds });
    const rows = result.failed.map(({ tenantId, code, message }) => [tenantId, code, message]);
    if (rows.length > 0)
      print(
        table(
          ['tenant', 'code', 'not issued'].map((title) => ({ title })),
          rows,
        ),
      );
    const before = result.before === 0 ? '' : `, ${count(result.before)} were issued before`;
    print(`${count(result.issued)} statements issued in ${seconds.toFixed(1)} s${before}.\n`);
  } finally {
    progress?.stop();
    await sources.close();
    await close();
  }
}
