import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ErasureNote } from '@tally/consumer';
import { enginesIn, startLocalStack } from '@tally/local';
import { clickhouseEnvironment } from '@tally/platform/clickhouse';
import { Command } from 'commander';
import { erasuresFile, notedErasures } from '../backup/erasure-notes.ts';
import { checkedBackup, type Manifest } from '../backup/manifest.ts';
import { type RestoreReport, restoreBackup } from '../backup/restore.ts';
import { bringBackSecrets } from '../backup/secrets.ts';
import { type Connection, connect, connectTo } from '../connection.ts';
import { clusterOf } from '../instance.ts';
import { databaseName, dataOption, jsonOption, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';

interface RestoreCommandOptions {
  data: string;
  from: string;
  database?: string;
  erasures?: string;
  replicationFactor: number;
  json: boolean;
}

/** `tally restore`: a backup becomes an installation again. Ends with 1 when the ledger is not balanced after it. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('bring a backup back, onto an instance that does not run or servers of one’s own')
    .requiredOption('--from <dir>', 'the backup')
    .option('--database <name>', 'the database to make; default: the one that was backed up', databaseName)
    .option(
      '--erasures <file>',
      'erasures noted outside of the database, to make again; default: the instance’s own notes',
    )
    .option('--replication-factor <n>', 'copies of each topic that has to be created', whole(1, 15), 1)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(restore);
}

async function restore(options: RestoreCommandOptions): Promise<void> {
  const { data, from, erasures, json } = options;
  const startedAt = Date.now();
  say('checking digests');
  const manifest = await checkedBackup(from);
  const embedded = process.env['TALLY_KAFKA'] ? undefined : resolve(data);
  const { connection, close } = await open(manifest, options, embedded);
  try {
    const report = await restoreBackup({
      connection,
      from: resolve(from),
      manifest,
      dataDir: embedded,
      replicationFactor: options.replicationFactor,
      erasures: notesOf(erasures, embedded),
      clock: Date.now,
      onStep: say,
    });
    if (!report.ledger.balanced) process.exitCode = 1;
    const seconds = (Date.now() - startedAt) / 1_000;
    if (json) printJson({ ...report, ledger: report.ledger.balanced, lag: report.ledger.lag, seconds });
    else printReport(report, { manifest, seconds, ...options });
  } finally {
    await close();
  }
}

function notesOf(named: string | undefined, embedded: string | undefined): ErasureNote[] {
  if (named !== undefined) return notedErasures(named);
  const own = embedded === undefined ? undefined : erasuresFile(embedded);
  return own !== undefined && existsSync(own) ? notedErasures(own) : [];
}

/** The servers of an instance that does not run are started for it, without any service. */
async function open(
  manifest: Manifest,
  { data, from, database = manifest.database }: RestoreCommandOptions,
  embedded: string | undefined,
): Promise<{ connection: Connection; close: () => Promise<void> }> {
  if (embedded === undefined) {
    const connection = connect(data, { database });
    return { connection, close: connection.close };
  }
  bringBackSecrets(resolve(from), embedded);
  say('starting Kafka and ClickHouse');
  const stack = await startLocalStack({
    dataDir: embedded,
    shards: Math.max(manifest.shards, enginesIn(embedded)),
  });
  const servers = clusterOf(stack.clickhouseShards.slice(0, manifest.shards));
  const connection = connectTo(embedded, {
    TALLY_KAFKA: stack.kafka,
    ...clickhouseEnvironment({ url: stack.clickhouseUrl, database, ...servers }),
  });
  return {
    connection,
    close: async () => {
      await connection.close();
      await stack.stop();
    },
  };
}

function say(step: string): void {
  process.stderr.write(`${step} …\n`);
}

function printReport(
  { records, putBack, survived, widened, ledger }: RestoreReport,
  { manifest, seconds }: { manifest: Manifest; seconds: number },
): void {
  const taken = new Date(manifest.takenAt).toISOString();
  const rows = [
    ...manifest.metered.map(({ topic }) => {
      if (survived.includes(topic)) return [topic, 'is there: consumers go on where the backup ends'];
      if (widened.includes(topic)) return [topic, 'has more partitions: a new epoch goes on where the backup ends'];
      return [topic, 'is lost: a new epoch begins'];
    }),
    ...Object.entries(putBack).map(([topic, number]) => [topic, `${count(number)} record(s) put back`]),
  ];
  print(table([{ title: 'topic' }, { title: 'what became of it' }], rows));
  print(
    `${count(records)} records that came while the backup was taken are counted. Restored in ${seconds.toFixed(1)} s.\n`,
  );
  if (widened.length > 0) {
    print(
      'What came under fewer partitions after the backup gets into the dead letters. Once consumers have gone on:\n',
    );
    print('  tally dead-letters retry --all --reason wrong-partition --rekey\n');
  }
  print(
    ledger.balanced
      ? `The ledger is balanced, lag ${count(ledger.lag)}.\n`
      : 'THE LEDGER IS NOT BALANCED: `tally ledger`.\n',
  );
  print(
    `Licences, keys, policies and other decisions made after ${taken} are not in it, nor erasures that are noted nowhere.\n`,
  );
}
