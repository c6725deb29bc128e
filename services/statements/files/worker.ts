/**
 * What runs in the renderer's threads.
 */
import type { Statement } from '../document.ts';
import { pdfOf } from './pdf/index.ts';
import { xlsxOf } from './xlsx.ts';

/** The bytes of a file, handed over without a copy where they have memory of their own. */
export async function render({ statement, format }: { statement: Statement; format: 'pdf' | 'xlsx' }) {
  return format === 'pdf' ? pdfOf(statement) : xlsxOf(statement);
}
