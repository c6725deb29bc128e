/**
 * What `tally licences` and `tally environments` have in common: lists that are changed as a whole, with a reason.
 */
import { userInfo } from 'node:os';
import type { VersionAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';
import type { Command } from 'commander';
import type { ApiAddress } from './api-client.ts';
import { LinesRefused, type ListChange } from './list-change.ts';
import { apiOptions, jsonOption } from './options.ts';
import { print, printJson, table } from './print.ts';

export interface ListOptions extends ApiAddress {
  json: boolean;
  history?: boolean;
}

export interface ChangeOptions extends ListOptions {
  because: string;
}

/** Adds the options that every part has. */
export function withListOptions(command: Command, ...parts: Command[]): Command {
  for (const part of parts) {
    part.addOption(jsonOption());
    for (const option of apiOptions()) part.addOption(option);
    command.addCommand(part);
  }
  return command;
}

/** Makes a change; each line that cannot be is told with its reason before the error goes on. */
export async function changed<Answer>(
  options: ChangeOptions,
  send: (change: Omit<ListChange, 'lines'>) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await send({ because: options.because, by: userInfo().username });
  } catch (error) {
    if (!(error instanceof LinesRefused)) throw error;
    if (options.json) printJson({ faults: error.faults });
    else {
      const rows = error.faults.map(({ line, field, message }) => [String(line), field, message]);
      print(table([{ title: 'line', right: true }, { title: 'field' }, { title: 'refused: it' }], rows));
    }
    throw new TallyError('nothing was changed: some lines cannot be', { code: error.code, retriable: false });
  }
}

/** The list with one line replaced; `number` is from 1, as shown. */
export function replaced<Line>(lines: readonly Line[], number: number, change: (line: Line) => Line): Line[] {
  const line = lines[number - 1];
  if (line) return lines.with(number - 1, change(line));
  throw new TallyError(`there is no line ${number}`, { code: 'LINE_UNKNOWN', retriable: false });
}

/** Who changed the list last, or every change. */
export function tellVersions(
  version: VersionAnswer | null,
  history: readonly (VersionAnswer & { text: string })[] | undefined,
): void {
  if (history) {
    const rows = history.map(({ at, by, because, text }) => [at, by, because, text]);
    print(table([{ title: 'changed' }, { title: 'by' }, { title: 'because' }, { title: 'to' }], rows));
  } else if (version) {
    print(`changed ${version.at} by ${version.by}${version.because === '' ? '' : `: ${version.because}`}\n`);
  } else print('nothing is on record\n');
}
