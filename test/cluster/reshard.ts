/**
 * Runs `tally reshard` as an operator would, while events go on to be counted, and moves the consumers over.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { localCluster } from '@tally/local';
import type { ClusterStage } from './stage.ts';

export interface Resharding {
  from: number;
  to: number;
  /** Of copying, and of all with the comparison, milliseconds. */
  copyMs: number;
  totalMs: number;
  /** On disk, before and in the new database. */
  bytes: { source: number; target: number };
  rows: number;
  figures: number;
  /** Where events were counted meanwhile, the two may differ until the consumers have moved. */
  different: number;
}

const TALLY = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Copies the database of `env` to one on the first `to` servers. */
export async function runReshard(
  stage: ClusterStage,
  env: Record<string, string>,
  { database, from, to }: { database: string; from: number; to: number },
): Promise<Resharding> {
  const urls = stage.stack.clickhouseShards.slice(0, to).join(',');
  const args = ['reshard', '--database', database, '--shards', urls, '--cluster', localCluster(to), '--json'];
  const stdout = await new Promise<string>((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: OUTPUT_BYTES_MAX };
    execFile(
      process.execPath,
      ['--disable-warning=TimeoutNegativeWarning', TALLY, ...args],
      options,
      (error, out, err) => (out === '' ? reject(new Error(`tally reshard: ${err || error?.message}`)) : resolve(out)),
    );
  });
  const report = JSON.parse(stdout) as Omit<Resharding, 'from' | 'to' | 'rows' | 'different'> & {
    tables: { rows: number }[];
    differences: string[];
  };
  const { copyMs, totalMs, bytes, figures } = report;
  const rows = report.tables.reduce((sum, table) => sum + table.rows, 0);
  return { from, to, copyMs, totalMs, bytes, rows, figures, different: report.differences.length };
}
