/**
 * A statement as a workbook: numbers that can be added up, days that can be sorted, shares that are percentages.
 */
import { unzipSync, zipSync } from 'fflate';
import writeExcelFile from 'write-excel-file/node';
import type { Statement } from '../document.ts';
import { sheetsOf } from './sheets.ts';

const COMPRESSION_LEVEL = 6;

/** The bytes of the XLSX file. Days and months are dates, moments are dates with a time; all of them are UTC. */
export async function xlsxOf(statement: Statement): Promise<Uint8Array> {
  const written = await writeExcelFile(sheetsOf(statement), { fontFamily: 'Calibri', fontSize: 11 }).toBuffer();
  return withoutTimes(written);
}

/** The archive again, with its entries in the order of their names and none of them saying when it was made. */
function withoutTimes(archive: Uint8Array): Uint8Array {
  // The least it can hold, at noon since no time zone leaves out that hour: it is written as local time.
  const mtime = new Date(1980, 0, 1, 12);
  const entries = Object.entries(unzipSync(archive)).sort(([a], [b]) => (a < b ? -1 : 1));
  return zipSync(Object.fromEntries(entries), { level: COMPRESSION_LEVEL, mtime });
}
