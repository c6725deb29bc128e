export { EVIDENCE_FIGURES, type EvidenceFigure } from './asked.ts';
export { type Explanation, explain } from './explain.ts';
export { EXPORT_FORMATS, type ExportFormat, exportRows } from './export.ts';
export { type EvidencePage, PAGE_ROWS_MAX, page } from './page.ts';
export { rowsInFile } from './rows-in-file.ts';
