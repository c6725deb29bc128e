import type { ReplayReport } from '@tally/consumer';
import { allFigures, differences, outcomeCounts } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { Command } from 'commander';
import { type Connection, connect } from '../connection.ts';
import { DATA_DIR_DEFAULT, databaseName, dataOption, jsonOption } from '../options.ts';
import { count, print, printJson } from '../print.ts';
import { replayWithProgress } from '../replay-with-progress.ts';

interface ReplayCommandOptions {
  data: string;
  json: boolean;
}

/** `tally replay`: the whole log once more onto the live tables; no figure may move. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('write the whole log onto the live tables once more, and show that no figure moves')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(async (options: ReplayCommandOptions) => {
      const connection = connect(options.data);
      try {
        const before = await everything(connection, connection.clickhouse);
        const report = await replayWithProgress(connection, connection.clickhouse, { complete: false });
        const after = await everything(connection, connection.clickhouse);
        tell(options, report, differences(before, after), before.size, 'before and after');
      } finally {
        await connection.close();
      }
    });
}

/** `tally rebuild`: the same figures from the log alone, in an empty database. */
export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('build an empty database from the log alone, and hold its figures against the live ones')
    .requiredOption('--database <name>', 'the database to make; it must not exist', databaseName)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(async (options: ReplayCommandOptions & { database: string }) => {
      const connection = connect(options.data);
      const target = await connection.emptyDatabase(options.database);
      try {
        const report = await replayWithProgress(connection, target, { complete: true });
        const [live, rebuilt] = [
          await everything(connection, connection.clickhouse),
          await everything(connection, target),
        ];
        tell(options, report, differences(live, rebuilt), live.size, `in the live database and in ${options.database}`);
        if (!options.json) print(howToRunOn(options));
      } finally {
        await target.close();
        await connection.close();
      }
    });
}

/** Where the environment says where Kafka is, the services are somebody else's to start. */
function howToRunOn({ data, database }: { data: string; database: string }): string {
  if (process.env['TALLY_KAFKA']) return `Services run on it with TALLY_CLICKHOUSE_DATABASE=${database}.\n`;
  const directory = data === DATA_DIR_DEFAULT ? '' : ` --data ${data}`;
  return `Stop the instance, then run on it: tally up${directory} --database ${database}\n`;
}

/** Figures, and what became of the log's positions. */
async function everything({ topics }: Connection, clickhouse: ClickHouse): Promise<Map<string, string>> {
  const all = await allFigures(clickhouse, Date.now());
  for (const topic of [topics.interactions, topics.profiles]) {
    const counts = Object.entries(await outcomeCounts(clickhouse, topic)).sort();
    for (const [outcome, positions] of counts) all.set(`${outcome} positions of ${topic}`, String(positions));
  }
  return all;
}

function tell(
  { json }: ReplayCommandOptions,
  { records, expired, durationMs }: ReplayReport & { durationMs: number },
  differing: string[],
  figures: number,
  where: string,
): void {
  if (differing.length > 0) process.exitCode = 1;
  if (json) {
    printJson({ records, expired, durationMs, figures, equal: differing.length === 0, differences: differing });
    return;
  }
  print(`${count(records)} records in ${(durationMs / 1000).toFixed(1)} s\n`);
  if (expired > 0) print(`${count(expired)} counted records are not in the log any more and were left as they are\n`);
  for (const difference of differing.slice(0, 20)) print(`${difference}\n`);
  print(
    differing.length === 0
      ? `${count(figures)} figures are equal ${where}.\n`
      : `${differing.length} of ${count(figures)} figures differ ${where}. While events flow, figures move: repeat it when they rest.\n`,
  );
}
