import { userInfo } from 'node:os';
import { openLog, readLogs, rewindLog } from '@tally/consumer';
import { Command } from 'commander';
import { type Connection, connect } from '../connection.ts';
import { dataOption, jsonOption, whole } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';
import { replayWithProgress } from '../replay-with-progress.ts';
import { type WidenOptions, widen } from '../widen.ts';

interface LogOptions {
  data: string;
  json: boolean;
}

/** `tally log …`: which logs are metered, and what a person decides when one is not what it was. */
export function logCommand(): Command {
  const command = new Command('log').description('the logs that are metered, and decisions about them');
  command
    .command('list')
    .description('every epoch: which topic on which cluster, since when, from where')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((options: LogOptions) => within(options, list));
  command
    .command('open')
    .description('go on with a topic as a new log: it was recreated, moved, expired unread, or got more partitions')
    .requiredOption('--topic <topic>', 'the topic')
    .requiredOption('--because <reason>', 'kept with the log')
    .option('--by <who>', 'kept with the log', userInfo().username)
    .option('--afresh', 'count from the log’s start: the topic was recreated and has grown past the old offsets', false)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((options: LogOptions & OpenOptions) => within(options, (connection) => open(connection, options)));
  command
    .command('rewind')
    .description('set the consumers back to what is surely counted whole: offsets were moved by hand')
    .requiredOption('--topic <topic>', 'the topic')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((options: LogOptions & { topic: string }) => within(options, (connection) => rewind(connection, options)));
  command
    .command('widen')
    .description('give a topic more partitions while events keep coming; nothing is taken in for about half a minute')
    .requiredOption('--topic <topic>', 'the topic')
    .requiredOption('--partitions <n>', 'how many there are to be', whole(2, 1024))
    .requiredOption('--because <reason>', 'kept with the log')
    .option('--by <who>', 'kept with the log', userInfo().username)
    .option('--drain-seconds <n>', 'how long the consumers may take to count what is there', whole(1, 86_400), 300)
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((options: LogOptions & WidenOptions) => within(options, (connection) => widenCommand(connection, options)));
  return command;
}

async function widenCommand(connection: Connection, options: LogOptions & WidenOptions): Promise<void> {
  const { log, closedMs, goesOn, sentOn } = await widen(connection, options, (line) => process.stderr.write(line));
  if (!goesOn) process.exitCode = 1;
  if (options.json) {
    printJson({ epoch: log.epoch, topic: log.topic, partitions: log.partitions, closedMs, goesOn, sentOn });
    return;
  }
  print(`${log.topic} has ${log.partitions} partitions and is epoch ${log.epoch}; `);
  print(`it took nothing in for ${(closedMs / 1000).toFixed(1)} s.\n`);
  if (sentOn > 0) print(`${count(sentOn)} record(s) that were placed by the old number were sent where they belong.\n`);
  if (!goesOn) print('No consumer has come back yet: see that they are started. Nothing is lost meanwhile.\n');
}

interface OpenOptions {
  topic: string;
  because: string;
  by: string;
  afresh: boolean;
}

async function within(options: LogOptions, work: (connection: Connection, options: LogOptions) => Promise<void>) {
  const connection = connect(options.data);
  try {
    await work(connection, options);
  } finally {
    await connection.close();
  }
}

async function list({ clickhouse }: Connection, { json }: LogOptions): Promise<void> {
  const logs = await readLogs(clickhouse);
  if (json) {
    printJson({ logs: logs.map((log) => ({ ...log, starts: log.starts.map(Number) })) });
    return;
  }
  const columns = [{ title: 'epoch', right: true }, { title: 'topic' }, { title: 'cluster' }];
  const rows = logs.map(({ epoch, topic, clusterId, partitions, starts, openedAt, openedBy, because }) => [
    String(epoch),
    topic,
    clusterId,
    count(partitions),
    starts.every((start) => start === 0n) ? '0' : starts.join(' '),
    openedAt,
    openedBy,
    because,
  ]);
  const more = ['partitions', 'begins at', 'opened', 'by', 'because'].map((title) => ({ title }));
  print(table([...columns, ...more], rows));
}

async function open(connection: Connection, { topic, because, by, afresh, json }: LogOptions & OpenOptions) {
  const { log, partitions, cutOff } = await openLog({ ...connection, topic }, { by, because, afresh });
  // The consumers will not come to the old epoch's last insert again, so what it left half-written is written here.
  if (cutOff) await replayWithProgress(connection, connection.clickhouse, { complete: false });
  if (json) {
    printJson({ epoch: log.epoch, topic, partitions: partitions.map(asNumbers) });
    return;
  }
  print(`${topic} is epoch ${log.epoch} from now on.\n`);
  const columns = ['partition', 'counted up to', 'begins at', 'expired unread'].map((title) => ({
    title,
    right: true,
  }));
  print(
    table(
      columns,
      partitions.map((one) => Object.values(asNumbers(one)).map(count)),
    ),
  );
  const expired = partitions.reduce((sum, one) => sum + one.expired, 0n);
  if (expired > 0n) print(`${expired} record(s) expired unread: they are in no figure.\n`);
}

function asNumbers({
  partition,
  next,
  start,
  expired,
}: Record<'next' | 'start' | 'expired', bigint> & { partition: number }) {
  return { partition, next: Number(next), start: Number(start), expired: Number(expired) };
}

async function rewind(connection: Connection, { topic, json }: LogOptions & { topic: string }): Promise<void> {
  const offsets = await rewindLog({ ...connection, topic });
  const rows = [...offsets].map(([partition, offset]) => ({ partition, offset: Number(offset) }));
  if (json) {
    printJson({ topic, partitions: rows });
    return;
  }
  const columns = [
    { title: 'partition', right: true },
    { title: 'goes on at', right: true },
  ];
  print(
    table(
      columns,
      rows.map(({ partition, offset }) => [String(partition), count(offset)]),
    ),
  );
}
