/**
 * A list of licences or environments in a file: JSON (the list itself, or an object with it under its name, as the api
 * answers it) or CSV with a header. The api judges the lines.
 */
import { readFile } from 'node:fs/promises';
import { canonicalName, csvCells } from '@tally/importer';
import { messageOf, TallyError } from '@tally/platform/errors';
import { z } from 'zod';

const LINES_MAX = 1_000;
/** What a CSV file has as text. */
const NUMBERS: ReadonlySet<string> = new Set(['quantity', 'packSize']);

/** The lines of a file. Throws `FILE_UNREADABLE`, `LIST_INVALID`, or what csvCells throws. */
export async function readListFile(file: string, name: string): Promise<object[]> {
  return /\.(csv|tsv|txt)$/i.test(file) ? await csvLines(file) : await jsonLines(file, name);
}

async function jsonLines(file: string, name: string): Promise<object[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TallyError(`the file cannot be read: ${messageOf(cause)}`, {
      code: 'FILE_UNREADABLE',
      retriable: false,
      cause,
    });
  });
  const list = z.array(z.looseObject({}));
  const parsed = list.or(z.looseObject({ [name]: list })).safeParse(jsonOf(text));
  if (!parsed.success) throw invalid(`expected a list of objects, or {"${name}": [...]}`);
  return Array.isArray(parsed.data) ? parsed.data : list.parse(parsed.data[name]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

async function csvLines(file: string): Promise<object[]> {
  const lines: object[] = [];
  let header: string[] | undefined;
  for await (const { cells, line } of csvCells(file, { onBytes: () => undefined })) {
    if (!header) {
      header = cells.map(canonicalName);
      continue;
    }
    if (cells.length !== header.length) throw invalid(`line ${line} has ${cells.length} fields, not ${header.length}`);
    if (lines.length === LINES_MAX) throw invalid(`more than ${LINES_MAX} lines`);
    const names = header;
    const fields = cells.flatMap((cell, index): [string, unknown][] => {
      const name = names[index] ?? '';
      if (cell === '') return [];
      return [[name, NUMBERS.has(name) ? numberOf(cell) : cell]];
    });
    lines.push(Object.fromEntries(fields));
  }
  return lines;
}

/** What is no number stays text, and the api says so. */
function numberOf(cell: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell;
}

function invalid(message: string, cause?: unknown): TallyError {
  return new TallyError(`the file holds no such list: ${message}`, { code: 'LIST_INVALID', retriable: false, cause });
}
