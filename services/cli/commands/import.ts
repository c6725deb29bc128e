import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import {
  DELIMITERS,
  type DelimiterName,
  type FileReport,
  FORMATS,
  type Format,
  formatOf,
  importFile,
  ROW_TYPES,
  type RowType,
} from '@tally/importer';
import { Command, Option } from 'commander';
import { openDestination } from '../import-destination.ts';
import { importBar } from '../import-progress.ts';
import { dataOption, jsonOption } from '../options.ts';
import { breakdown, count, print, printJson, table } from '../print.ts';
import { listenForStop } from '../until-stopped.ts';

interface ImportOptions {
  data: string;
  type: RowType;
  format?: Format;
  delimiter?: DelimiterName;
  ignoreUnknown: boolean;
  restart: boolean;
  dryRun: boolean;
  stateDir?: string;
  json: boolean;
}

const HELP = `
Fields are the Avro names in camelCase or snake_case; times ISO 8601 with an offset, or milliseconds since 1970.
  interaction  eventId tenantId environmentId entityType entityId channel occurredAt [direction journeyId provider]
  void         eventId tenantId environmentId entityType entityId voidedAt reason
  profile      tenantId environmentId source recordId changedAt [operation] and identifiers: a list of {kind, value}
               (in CSV as JSON), or columns identifier.email, identifier.phone, identifier.KIND
A field \`type\` says what a row is, whatever --type says. NDJSON rows may be CloudEvents. NDJSON and CSV may be gzip.

Stopped or killed, the same command goes on where it was: FILE.tally-import.json says how far that is, and is gone once
all is done. Refused rows are in FILE.refused.ndjson. Brokers come from TALLY_KAFKA and TALLY_TOPIC_PREFIX if --data is
not given and TALLY_KAFKA is set.

Exit code: 0 all rows were sent, 1 some were not, 2 wrong usage.`;

/** `tally import`: rows of files through Kafka, each counted once however often it is sent. */
export function importCommand(): Command {
  return new Command('import')
    .description('send interactions, voids or profile records from NDJSON, CSV or Parquet files')
    .argument('<file...>', 'files; the extension says the format, .gz may follow')
    .addOption(dataOption())
    .addOption(new Option('--type <type>', 'what a row is').choices(ROW_TYPES).default('interaction'))
    .addOption(new Option('--format <format>', 'format, whatever the extension').choices(FORMATS))
    .addOption(
      new Option('--delimiter <delimiter>', 'of CSV; default what the header line has').choices(
        Object.keys(DELIMITERS),
      ),
    )
    .option('--ignore-unknown', 'leave unknown fields out instead of refusing them', false)
    .option('--restart', 'begin anew, also where an earlier import was stopped', false)
    .option('--dry-run', 'judge every row, send nothing', false)
    .option('--state-dir <dir>', 'where checkpoint and refused rows go; default beside the file')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(run);
}

async function run(paths: string[], options: ImportOptions, command: Command): Promise<void> {
  const files = paths.map((path) => checked(path, options, command));
  const { stopped } = listenForStop();
  const stop = new AbortController();
  stopped.then((reason) => stop.abort(reason));
  const asked = command.getOptionValueSource('data') === 'cli' || process.env['TALLY_KAFKA'] === undefined;
  const destination = options.dryRun ? undefined : await openDestination(asked ? resolve(options.data) : undefined);
  const reports: FileReport[] = [];
  try {
    for (const { file, format } of files) {
      const bar = importBar(basename(file));
      const report = await importFile({
        file,
        format,
        type: options.type,
        ignoreUnknown: options.ignoreUnknown,
        delimiter: options.delimiter,
        restart: options.restart,
        now: Date.now,
        onProgress: bar.update,
        signal: stop.signal,
        ...(options.stateDir === undefined ? {} : { stateDir: resolve(options.stateDir) }),
        ...(destination ? { destination } : {}),
      }).finally(bar.stop);
      reports.push(report);
      if (report.status !== 'done') break;
    }
  } finally {
    if (options.json) printJson({ dryRun: options.dryRun, files: reports });
    else if (reports.length > 0) print(described(reports, options.dryRun));
    await destination?.close();
  }
  const complete = reports.every(({ status, refused }) => status === 'done' && refused === 0);
  process.exitCode = complete ? 0 : 1;
}

/** Wrong usage shows before anything is sent. */
function checked(path: string, { format }: ImportOptions, command: Command): { file: string; format: Format } {
  const file = resolve(path);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) command.error(`tally: ${path} is no file`, USAGE);
  const found = format ?? formatOf(file);
  if (found) return { file, format: found };
  return command.error(`tally: ${path} has no extension of ${FORMATS.join(', ')}; say --format`, USAGE);
}

const USAGE = { exitCode: 2, code: 'tally.usage' };

function described(reports: readonly FileReport[], dryRun: boolean): string {
  const sent = dryRun ? 'valid' : 'sent';
  const columns = ['rows', sent, 'refused', 'rows/s'].map((title) => ({ title, right: true }));
  const drawn = table(
    [{ title: 'file' }, { title: 'status' }, ...columns],
    reports.map(({ file, status, rows, sent, refused, resumedAt, durationMs }) => [
      basename(file),
      status,
      count(rows),
      count(sent),
      count(refused),
      count(Math.round((rows - resumedAt) / Math.max(durationMs / 1000, 0.001))),
    ]),
  );
  return drawn + reports.map(notes).join('');
}

function notes({ file, status, rows, resumedAt, reasons, refusedFile, durationMs, error }: FileReport): string {
  const name = basename(file);
  return [
    `${name}: ${(durationMs / 1000).toFixed(1)} s`,
    ...(resumedAt > 0 ? [`${name}: went on after row ${count(resumedAt)}`] : []),
    ...(refusedFile ? [`${name}: refused: ${breakdown(reasons)}; see ${refusedFile}`] : []),
    ...(error ? [`${name}: ${error.detail} [${error.code}]`] : []),
    ...(status === 'done' ? [] : [`${name}: stopped after row ${count(rows)}; the same command goes on from there`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
