/**
 * `tally statement export`: the rows behind a figure as a file that is checked when it is there.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EvidenceQuery } from '@tally/contract';
import { messageOf, TallyError } from '@tally/platform/errors';
import { EVIDENCE_FIGURES, EXPORT_FORMATS, type ExportFormat, rowsInFile } from '@tally/statements/evidence';
import { Command, Option } from 'commander';
import { type ApiAddress, ApiClient } from '../api-client.ts';
import { apiOptions, jsonOption, monthText } from '../options.ts';
import { count, print, printJson } from '../print.ts';
import { progressBar } from '../progress.ts';
import { narrowingOptions } from './statement-explain.ts';

interface ExportOptions extends ApiAddress, EvidenceQuery {
  format: ExportFormat;
  out: string;
  json: boolean;
}

/** Exits with 1 where the file is not whole, or its rows do not add up to what was stated. */
export function statementExportCommand(): Command {
  const command = new Command('export')
    .description('every event, person or record behind a statement’s figure, as a file whose rows add up to it')
    .argument('<tenant>', 'tenant id')
    .argument('<month>', 'YYYY-MM', monthText)
    .addOption(new Option('--figure <figure>', 'the figure').choices(EVIDENCE_FIGURES).makeOptionMandatory())
    .addOption(new Option('--format <format>', 'of the file').choices(EXPORT_FORMATS).default('csv'))
    .requiredOption('--out <file>', 'where to write it; it is there when it is whole')
    .action(exportFile);
  for (const option of [...narrowingOptions(), jsonOption(), ...apiOptions()]) command.addOption(option);
  return command;
}

async function exportFile(
  tenantId: string,
  month: string,
  { format, out, json, figure, environment, channel, day, ...address }: ExportOptions,
): Promise<void> {
  const api = ApiClient.of(address);
  const query = { figure, environment, channel, day };
  const { stated } = await api.explainStatement(tenantId, month, query);
  const response = await api.statementRows(tenantId, month, format, query);
  const [expected, counted] = ['x-tally-rows', 'x-tally-counted'].map((name) => Number(response.headers.get(name)));
  const file = resolve(out);
  const rows = await writeWhole(response, { file, format, expected: expected ?? 0 });
  const addsUp = stated === null || stated === counted;
  if (json) printJson({ tenantId, month, figure, format, file, rows, counted, stated, addsUp });
  else print(`${file}: ${count(rows)} row(s), ${figure} ${count(counted ?? 0)}, ${statedText(stated)}\n`);
  if (addsUp) return;
  throw new TallyError(`${figure} is ${count(counted ?? 0)} by its rows, and was stated as ${count(stated)}`, {
    code: 'STATEMENT_DOES_NOT_ADD_UP',
    retriable: false,
  });
}

function statedText(stated: number | null): string {
  return stated === null ? 'which the statement does not tell of this part' : `stated ${count(stated)}`;
}

/**
 * Written beside, counted, and only then called what it should be called: a crash leaves a `.part` behind. Returns the
 * number of rows. Throws `EXPORT_CUT`.
 */
async function writeWhole(
  { body }: Response,
  { file, format, expected }: { file: string; format: ExportFormat; expected: number },
): Promise<number> {
  const part = `${file}.part`;
  // Lines are rows, but for the header; how long a Parquet file will be, nobody knows.
  const isText = format !== 'parquet';
  const progress = isText
    ? progressBar('export', expected, 'rows')
    : progressBar('export', expected * PARQUET_ROW_BYTES_GUESSED, 'bytes');
  let done = 0;
  try {
    await pipeline(
      Readable.fromWeb((body ?? new ReadableStream()) as Parameters<typeof Readable.fromWeb>[0]),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          done += isText ? linesIn(chunk) : chunk.length;
          progress.update(done);
          yield chunk;
        }
      },
      createWriteStream(part, { flush: true }),
    );
    const rows = await rowsInFile(part, format);
    if (rows !== expected) throw cut(`it has ${rows} row(s) of ${expected}`);
    await rename(part, file);
    progress.finish(isText ? rows : done);
    return rows;
  } catch (cause) {
    await rm(part, { force: true });
    throw cause instanceof TallyError ? cause : cut(messageOf(cause), cause);
  } finally {
    progress.stop();
  }
}

const NEWLINE = 0x0a;
const PARQUET_ROW_BYTES_GUESSED = 40;

function linesIn(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

function cut(detail: string, cause?: unknown): TallyError {
  return new TallyError(`the export broke off: ${detail}`, { code: 'EXPORT_CUT', retriable: true, cause });
}
