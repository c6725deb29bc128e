/**
 * `tally unified --explain RECORD`: the records of a profile, and the identifiers that hold them together.
 */

import type { ExplanationAnswer } from '@tally/contract';
import type { ApiClient } from '../api-client.ts';
import { count, print, printJson, table } from '../print.ts';
import { visible } from '../visible.ts';

interface ExplainOptions {
  /** `TENANT/ENVIRONMENT/SOURCE/RECORD`, the record's key in its topic. */
  key: string;
  /** Where it has a slash itself. */
  source: string | undefined;
  json: boolean;
  /** Ends the command as wrong usage. */
  refuse: (why: string) => never;
}

export async function explain(api: ApiClient, { key, source, json, refuse }: ExplainOptions): Promise<void> {
  const [tenant = '', environment = '', ...rest] = key.split('/');
  const name = source ?? rest[0] ?? '';
  const record = rest.join('/').slice(name.length + 1);
  if (record === '' || !rest.join('/').startsWith(`${name}/`)) {
    return refuse('a record is named TENANT/ENVIRONMENT/SOURCE/RECORD');
  }
  const explanation = await api.explainUnified(tenant, { environment, source: name, record });
  if (json) return printJson({ tenantId: tenant, ...explanation });
  printExplanation(explanation);
}

function printExplanation({ records, identifiers, notJoining, rules, cut }: ExplanationAnswer): void {
  const place = (of: { source: string; recordId: string }): string => visible(`${of.source}/${of.recordId}`);
  const more = cut === null ? '' : ' or more';
  print(`one person of ${count(records.length)} record(s)${more}\n`);
  const columns = ['record', 'has in common', 'identifier', 'with'].map((title) => ({ title }));
  print(
    table(
      columns,
      records.map(({ joinedBy, ...record }) =>
        joinedBy
          ? [place(record), visible(joinedBy.kind), joinedBy.identifier, place(joinedBy.to)]
          : [place(record), '', '', ''],
      ),
    ),
  );
  if (cut === 'records') print('There are more records; no more are listed.\n');
  if (cut === 'time') print('The search was given up for the time it took; there may be more records.\n');
  const titles = [{ title: 'kind' }, { title: 'identifier' }, { title: 'records', right: true }];
  if (identifiers.length > 0) {
    print('identifiers that hold them together:\n');
    print(table(titles, identifiers.map(cells)));
  }
  if (notJoining.length === 0) return;
  print('shared with other records, but joining nobody:\n');
  const why = { limit: `more than ${count(rules.limit)} records`, kind: 'of a kind that does not join' };
  print(
    table(
      [...titles, { title: 'because' }],
      notJoining.map((shared) => [...cells(shared), why[shared.because]]),
    ),
  );
}

function cells({ kind, identifier, records }: ExplanationAnswer['identifiers'][number]): string[] {
  return [visible(kind), identifier, count(records)];
}
