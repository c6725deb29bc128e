/**
 * Tables and headings on paper. A table that does not fit goes on on the next page, under its header.
 */
import { COLOUR, LEFT, type Paper, RIGHT, SIZE, type TextStyle, WIDTH } from './paper.ts';

const ROW_HEIGHT = 13.6;
const HEADER_HEIGHT = 13;
/** From a row's top to where its letters stand. */
const BASELINE = 9.7;
const HEADER_SIZE = 7;
const CELL_GAP = 9;
const HEADING_HEIGHT = 15.5;
const HEADING_SIZE = 10;
const SECTION_GAP = 8.5;

export interface TableColumn {
  title: string;
  /** Of all columns; they share the width of the page in this proportion. */
  share: number;
  right?: boolean;
}

/** A text, or something drawn into the cell's box that reads as `text`. */
export interface TableCell extends TextStyle {
  text: string;
  draw?: (x: number, y: number, width: number) => void;
}

export type TableRow = readonly (string | TableCell)[];

/** A heading, and under it a table, at least two rows of it on the same page. */
export function tableSection(
  paper: Paper,
  title: string,
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
): void {
  paper.within('Sect', () => {
    heading(paper, title, HEADER_HEIGHT + 2 * ROW_HEIGHT);
    drawTable(paper, columns, rows);
  });
  paper.y += SECTION_GAP;
}

/** A heading that stays with `height` of what comes after it. */
export function heading(paper: Paper, title: string, height: number): void {
  if (!paper.fits(HEADING_HEIGHT + height)) paper.newPage();
  paper.tagged('H2', () => paper.write(title, LEFT, paper.y + 10, { size: HEADING_SIZE, weight: 'bold' }));
  paper.y += HEADING_HEIGHT;
}

/** Lines of small grey text. */
export function note(paper: Paper, text: string): void {
  const size = 7.2;
  const height = 10;
  for (const line of paper.lines(text, WIDTH, size)) {
    if (!paper.fits(height)) paper.newPage();
    paper.tagged('P', () => paper.write(line, LEFT, paper.y + 8, { size, colour: COLOUR.grey }));
    paper.y += height;
  }
}

export function gap(paper: Paper): void {
  paper.y += SECTION_GAP;
}

interface Place extends TableColumn {
  x: number;
  width: number;
}

function drawTable(paper: Paper, columns: readonly TableColumn[], rows: readonly TableRow[]): void {
  const places = placesOf(columns);
  paper.within('Table', () => {
    drawHeader(paper, places);
    for (const row of rows) {
      if (!paper.fits(ROW_HEIGHT)) {
        paper.newPage();
        drawHeader(paper, places);
      }
      paper.within('TR', () => {
        for (const [index, place] of places.entries()) drawCell(paper, row[index] ?? '', place);
      });
      paper.y += ROW_HEIGHT;
      paper.decoration(() => paper.line([LEFT, paper.y], [RIGHT, paper.y], COLOUR.line, 0.4));
    }
  });
}

function placesOf(columns: readonly TableColumn[]): Place[] {
  const all = columns.reduce((sum, { share }) => sum + share, 0);
  const unit = (WIDTH - CELL_GAP * (columns.length - 1)) / all;
  let x: number = LEFT;
  return columns.map((column) => {
    const place = { ...column, x, width: column.share * unit };
    x += place.width + CELL_GAP;
    return place;
  });
}

function drawHeader(paper: Paper, places: readonly Place[]): void {
  paper.within('TR', () => {
    for (const { title, x, width, right } of places) {
      const style: TextStyle = { size: HEADER_SIZE, colour: COLOUR.grey, width, align: right ? 'right' : 'left' };
      paper.tagged('TH', () => paper.write(title, x, paper.y + 8.6, style));
    }
  });
  paper.y += HEADER_HEIGHT;
  paper.decoration(() => paper.line([LEFT, paper.y], [RIGHT, paper.y], COLOUR.grey, 0.6));
}

function drawCell(paper: Paper, cell: string | TableCell, { x, width, right }: Place): void {
  const { text, draw, ...style } = typeof cell === 'string' ? { text: cell } : cell;
  if (draw) paper.decoration(() => draw(x, paper.y, width));
  const align = right ? 'right' : 'left';
  paper.tagged('TD', () => paper.write(text, x, paper.y + BASELINE, { size: SIZE, align, width, ...style }));
}
