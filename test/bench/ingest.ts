/**
 * `npm run bench -- ingest`: how many events a second come from Kafka into the tables, Tally's way and others', on the same
 * events in one run, taking turns.
 */
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { print, printJson } from '@tally/cli/print';
import { Command } from 'commander';
import { withBenchStack } from './bench-stack.ts';
import { insertLimit, kafkaEngine, tallyConsumer, usualWay } from './ingest-contenders.ts';
import { fillIngest } from './ingest-fill.ts';
import { withKeys } from './ingest-keys.ts';
import { type Contender, type IngestRun, measureIngest } from './ingest-measure.ts';
import { type IngestReport, ingestText, ratiosOf, versionsOf } from './ingest-report.ts';
import { drawSweep, sweepIngest, sweepText } from './ingest-sweep.ts';
import { thisMachine } from './machine.ts';
import { anyOf, whole } from './options.ts';
import { stage } from './stage.ts';

interface IngestOptions {
  events: number;
  partitions: number;
  times: 'ordered' | 'scattered';
  rounds: number;
  only?: string;
  consumers: number;
  groupRecords?: number;
  keys?: number;
  engineBlock: number;
  profile?: string;
  data?: string;
  sweep: boolean;
  image: string;
  keep: boolean;
  json: boolean;
}

const DAY_MS = 86_400_000;
const SWEEP_IMAGE = fileURLToPath(new URL('../../docs/images/ingest.svg', import.meta.url));

/** The command `ingest`. */
export function ingestCommand(): Command {
  return new Command('ingest')
    .description('from Kafka into the tables: Tally, ClickHouse’s Kafka engine, the usual way, and inserts alone')
    .option('--events <n>', 'events on the topic, every fiftieth a repetition', whole, 5_000_000)
    .option('--partitions <n>', 'of the topic', whole, 16)
    .option(
      '--times <how>',
      '`ordered`: the log’s order is mostly that of time; `scattered`: any',
      anyOf('ordered', 'scattered'),
      'ordered',
    )
    .option('--rounds <n>', 'turns of each; the order rotates', whole, 1)
    .option('--only <which>', 'some of a,b,c,d')
    .option('--consumers <n>', 'processes of Tally’s consumer', whole, 1)
    .option('--group-records <n>', 'TALLY_GROUP_RECORDS_MAX of Tally’s consumer; default its own', whole)
    .option('--keys <n>', 'measure Tally’s consumer also with so many keys of other events in the index', whole)
    .option('--engine-block <rows>', 'kafka_max_block_size of the Kafka engine', whole, 524_288)
    .option('--profile <dir>', 'start Tally’s consumer with --cpu-prof, profiles into the directory')
    .option('--sweep', 'Tally’s consumer alone, by group size, partitions and processes, as a chart too', false)
    .option('--image <file>', 'SVG file for the chart', SWEEP_IMAGE)
    .option(
      '--data <dir>',
      'directory for Kafka’s and ClickHouse’s files, empty or kept from such a run; default a temporary one',
    )
    .option('--keep', 'leave the files there: the topics need not be filled again', false)
    .option('--json', 'print one JSON document', false)
    .action(runIngestBench);
}

async function runIngestBench(options: IngestOptions): Promise<void> {
  const loadAverage = loadavg();
  await withBenchStack(options, async (bench) => {
    const { events, partitions, times } = options;
    const until = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    if (options.sweep) {
      const points = await sweepIngest(bench, { events, partitions, until, times });
      drawSweep(points, { file: options.image, events });
      if (options.json) printJson({ events, times, machine: await thisMachine(bench.clickhouse), loadAverage, points });
      else print(sweepText(points));
      if (points.some(({ run }) => !run.rows.right)) process.exitCode = 1;
      return;
    }
    const contenders = contendersOf(options);
    const twins = contenders.some(({ id }) => !id.startsWith('a'));
    const filled = await fillIngest(bench, { events, partitions, until, times }, { twins });
    const runs: IngestRun[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const turn = round % contenders.length;
      for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
        const run = await measureIngest(bench, filled, { contender, round: round + 1 });
        stage(`${run.id}: ${run.eventsPerSecond} events/s, rows ${run.rows.right ? 'right' : 'WRONG'}`);
        runs.push(run);
      }
    }
    const { topicPrefix: _prefix, blocks: _blocks, avro: _avro, json: _json, rowBinary: _rows, ...subject } = filled;
    const report: IngestReport = {
      ...subject,
      eventBytes: filled.bytes.avro,
      machine: await thisMachine(bench.clickhouse),
      versions: versionsOf(),
      loadAverageAtStart: loadAverage,
      runs,
      ratios: ratiosOf(runs),
    };
    if (options.json) printJson(report);
    else print(ingestText(report));
    if (runs.some(({ rows }) => !rows.right)) process.exitCode = 1;
  });
}

function contendersOf({ only, consumers, groupRecords, keys, profile, engineBlock }: IngestOptions): Contender[] {
  const tally = tallyConsumer({ consumers, groupRecords, profile });
  const all = [
    ...(keys === undefined ? [tally] : [{ ...tally, keys: 0 }, withKeys(tally, keys)]),
    kafkaEngine('b1', 'JSONEachRow', { blockRows: engineBlock }),
    kafkaEngine('b2', 'RowBinary', { blockRows: engineBlock }),
    usualWay(),
    insertLimit('d1', 'Native', { connections: 2 }),
    insertLimit('d2', 'RowBinary', { connections: 2 }),
  ];
  const wanted = only?.split(',');
  return wanted ? all.filter(({ id }) => wanted.some((name) => id.startsWith(name))) : all;
}
