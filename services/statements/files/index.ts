/**
 * A statement as files for people and their tools. Each is a pure function of the statement: the same bytes on every
 * machine, in every time zone and at any time, as long as the packages they are made with stay the same.
 */
export { csvLines, csvOf } from './csv.ts';
export { FileRenderer } from './renderer.ts';
