/**
 * Cells of the workbook: one function for each kind of value, so that a kind looks the same on every sheet.
 */
import type { Day, Month } from '@tally/metering';
import type { CellObject, Row } from 'write-excel-file/node';

const COUNT_FORMAT = '#,##0';
const SIGNED_FORMAT = '+#,##0;-#,##0;0';
const SHARE_FORMAT = '0.0%';
const DAY_FORMAT = 'yyyy-mm-dd';
const MONTH_FORMAT = 'mmm yyyy';
const MOMENT_FORMAT = 'yyyy-mm-dd hh:mm:ss';

const HEADER: Partial<CellObject> = { fontWeight: 'bold', backgroundColor: '#E3EAF2', alignVertical: 'center' };

/** Not a character of XML 1.0, so that a workbook with one could not be opened; and what the library leaves out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd-\uffff]/g;

/** An empty box. */
const UNWRITABLE = '\u25a1';

export function count(value: number | null): CellObject | null {
  return value === null ? null : { type: Number, value, format: COUNT_FORMAT };
}

export function signed(value: number): CellObject {
  return { type: Number, value, format: SIGNED_FORMAT };
}

/** 1 is 100%. */
export function share(value: number | null): CellObject | null {
  return value === null ? null : { type: Number, value, format: SHARE_FORMAT };
}

export function day(value: Day | null): CellObject | null {
  return value === null ? null : date(`${value}T00:00:00Z`, DAY_FORMAT);
}

/** Its first day, shown as a month. */
export function month(value: Month | null): CellObject | null {
  return value === null ? null : date(`${value}-01T00:00:00Z`, MONTH_FORMAT);
}

export function moment(value: string): CellObject {
  return date(value, MOMENT_FORMAT);
}

/** A text is never a formula, whatever it begins with. */
export function text(value: string | null | undefined): CellObject | null {
  if (value === null || value === undefined || value === '') return null;
  return { type: String, value: value.toWellFormed().replace(NOT_XML, UNWRITABLE), format: '@' };
}

export function header(...titles: readonly string[]): Row {
  return titles.map((value) => ({ ...HEADER, type: String, value }));
}

/** A line that says what follows. */
export function heading(value: string): Row {
  return [{ type: String, value, fontWeight: 'bold' }];
}

/** The library counts days in UTC, so the time zone of the machine is not in it. */
function date(iso: string, format: string): CellObject {
  return { type: Date, value: new Date(iso), format, align: 'left' };
}
