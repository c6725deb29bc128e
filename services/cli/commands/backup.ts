import { resolve } from 'node:path';
import { Command } from 'commander';
import { takeBackup } from '../backup/backup.ts';
import { connect } from '../connection.ts';
import { dataOption, jsonOption } from '../options.ts';
import { count, print, printJson } from '../print.ts';

interface BackupCommandOptions {
  data: string;
  to: string;
  disk?: string;
  json: boolean;
}

const BYTES_PER_MIB = 1024 ** 2;

/** `tally backup`: everything that a restore needs, into a directory of its own, while events flow. */
export function backupCommand(): Command {
  return new Command('backup')
    .description('copy the tables, the log’s end and the topics kept for ever into a directory, while everything runs')
    .requiredOption('--to <dir>', 'a directory that is empty, or not there yet')
    .option(
      '--disk <name>',
      'the disk to which a ClickHouse of one’s own writes its part, as its configuration calls it',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(backup);
}

async function backup({ data, to, disk, json }: BackupCommandOptions): Promise<void> {
  const connection = connect(data);
  const startedAt = Date.now();
  try {
    const { manifest, bytes } = await takeBackup({
      connection,
      to,
      dataDir: process.env['TALLY_KAFKA'] ? undefined : resolve(data),
      disk,
      clock: Date.now,
      onStep: (step) => process.stderr.write(`${step} …\n`),
    });
    const seconds = (Date.now() - startedAt) / 1_000;
    const { id, takenAt, metered, files } = manifest;
    const records = metered.reduce((sum, part) => sum + part.records, 0);
    if (json)
      return printJson({ id, takenAt, to: resolve(to), bytes, records, files: Object.keys(files).length, seconds });
    print(`Backup ${id} of ${new Date(takenAt).toISOString()} is in ${resolve(to)}:\n`);
    print(`${(bytes / BYTES_PER_MIB).toFixed(1)} MiB of tables, ${count(records)} records that came meanwhile, `);
    print(`${count(Object.keys(files).length)} files with their digests, in ${seconds.toFixed(1)} s.\n`);
    print('It holds secrets and personal data, as the instance does: keep it as you keep that.\n');
  } finally {
    await connection.close();
  }
}
