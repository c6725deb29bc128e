export { DELIMITERS, type DelimiterName } from './csv-delimiter.ts';
export { FORMATS, type Format, formatOf } from './format.ts';
export { type Destination, type FileReport, type ImportProgress, importFile } from './import-file.ts';
export { csvCells } from './read-csv.ts';
export { canonicalName, ROW_TYPES, type RowType } from './row-fields.ts';
