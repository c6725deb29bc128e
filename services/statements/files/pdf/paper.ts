/**
 * A4 pages on which things are drawn from the top down. Everything is tagged, so that a screen reader reads headings and
 * tables, and tells figures from decoration.
 */
import PDFDocument from 'pdfkit';
import { fontsOf, runsOf, type Weight } from './fonts.ts';

/** Lengths are points, 1/72 of an inch, from the upper left corner. */
const PAGE = { width: 595.28, height: 841.89 } as const;
const MARGIN = { top: 34, side: 42, bottom: 52 } as const;

export const LEFT = MARGIN.side;
export const RIGHT = PAGE.width - MARGIN.side;
export const WIDTH = RIGHT - LEFT;
export const FOOTER_TOP = PAGE.height - MARGIN.bottom + 10;
const BOTTOM = PAGE.height - MARGIN.bottom;

export const COLOUR = {
  ink: '#1a2430',
  grey: '#5b6774',
  line: '#d5dce3',
  track: '#e9eef3',
  used: '#3a74b4',
  over: '#c23b2a',
  overTint: '#fbeceb',
  withinTint: '#eaf3ee',
  within: '#2c7a51',
} as const;

const ELLIPSIS = '\u2026';

export interface TextStyle {
  /** Default 8.2. */
  size?: number;
  weight?: Weight;
  colour?: string;
  align?: 'left' | 'right' | 'center';
  /** What is longer is cut, with an ellipsis. Default to the right margin. */
  width?: number;
}

export const SIZE = 8.2;

type Structure = PDFKit.PDFStructureElement;

export interface PaperOptions {
  title: string;
  subject: string;
  createdAt: Date;
}

export class Paper {
  /** Where the next thing begins. */
  y: number = MARGIN.top;
  readonly #doc: PDFKit.PDFDocument;
  readonly #chunks: Buffer[] = [];
  readonly #parents: Structure[];

  constructor({ title, subject, createdAt }: PaperOptions) {
    this.#doc = new PDFDocument({
      size: [PAGE.width, PAGE.height],
      margin: 0,
      bufferPages: true,
      pdfVersion: '1.7',
      lang: 'en',
      tagged: true,
      displayTitle: true,
      // What zlib makes of the same bytes depends on its version and on the processor; the file must not.
      compress: false,
      // The file's ID is a hash of these.
      info: { Title: title, Subject: subject, Creator: 'Tally', Producer: 'Tally', CreationDate: createdAt },
    });
    this.#doc.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    for (const { name, bytes } of (['regular', 'bold'] as const).flatMap(fontsOf)) this.#doc.registerFont(name, bytes);
    const root = this.#doc.struct('Document');
    this.#doc.addStructure(root);
    this.#parents = [root];
  }

  /** Whether there is room for something of this height on the page. */
  fits(height: number): boolean {
    return this.y + height <= BOTTOM;
  }

  newPage(): void {
    this.#doc.addPage();
    this.y = MARGIN.top;
  }

  /** Everything drawn by `body` belongs to one structure element: `Sect`, `Table`, `TR`, … */
  within(type: string, body: () => void): void {
    const element = this.#doc.struct(type);
    this.#parent().add(element);
    this.#parents.push(element);
    body();
    this.#parents.pop();
    element.end();
  }

  /** Something that is read, `P`, `H1`, `TH`, `TD`; or a `Figure`, with what it shows in words. */
  tagged(type: string, draw: () => void, alt?: string): void {
    this.#parent().add(this.#doc.struct(type, alt === undefined ? {} : { alt }, draw));
  }

  /** Something that is only looked at. */
  decoration(draw: () => void, type: 'Layout' | 'Pagination' = 'Layout'): void {
    this.#doc.markContent('Artifact', { type });
    draw();
    this.#doc.endMarkedContent();
  }

  /** One line, `y` being where the letters stand. To be called from `tagged` or `decoration`. Returns its width. */
  write(text: string, x: number, y: number, style: TextStyle = {}): number {
    const { size = SIZE, weight = 'regular', colour = COLOUR.ink, align = 'left', width = RIGHT - x } = style;
    const runs = runsOf(this.#cut(text, width, size, weight), weight);
    const drawn = this.#widthOf(runs, size);
    let at = x;
    if (align === 'right') at += width - drawn;
    if (align === 'center') at += (width - drawn) / 2;
    for (const run of runs) {
      this.#doc.font(run.font, size).fillColor(colour);
      this.#doc.text(run.text, at, y, { lineBreak: false, baseline: 'alphabetic', ...shapingOf(run.text) });
      at += this.#widthOf([run], size);
    }
    return drawn;
  }

  widthOf(text: string, size: number = SIZE, weight: Weight = 'regular'): number {
    return this.#widthOf(runsOf(text, weight), size);
  }

  /** A text on as many lines as it needs. */
  lines(text: string, width: number, size: number = SIZE, weight: Weight = 'regular'): string[] {
    const lines: string[] = [];
    let line = '';
    for (const word of text.split(/\s+/u)) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && this.widthOf(longer, size, weight) > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    return line === '' ? lines : [...lines, line];
  }

  box(x: number, y: number, width: number, height: number, colour: string): void {
    if (width > 0 && height > 0) this.#doc.rect(x, y, width, height).fill(colour);
  }

  line(from: readonly [number, number], to: readonly [number, number], colour: string, width = 0.5): void {
    this.#doc
      .moveTo(...from)
      .lineTo(...to)
      .lineWidth(width)
      .strokeColor(colour)
      .stroke();
  }

  /** Draws on every page once all of them are there, and gives the file's bytes. */
  async finished(footer: (page: number, pages: number) => void): Promise<Uint8Array> {
    for (const element of this.#parents.splice(0)) element.end();
    const { count } = this.#doc.bufferedPageRange();
    for (let index = 0; index < count; index++) {
      this.#doc.switchToPage(index);
      this.decoration(() => footer(index + 1, count), 'Pagination');
    }
    const ended = new Promise<void>((resolve, reject) => this.#doc.once('end', resolve).once('error', reject));
    this.#doc.end();
    await ended;
    return Buffer.concat(this.#chunks);
  }

  #parent(): Structure {
    const parent = this.#parents.at(-1);
    if (!parent) throw new Error('nothing is drawn on a finished document');
    return parent;
  }

  #widthOf(runs: ReturnType<typeof runsOf>, size: number): number {
    return runs.reduce((sum, { font, text }) => {
      return sum + this.#doc.font(font, size).widthOfString(text, shapingOf(text));
    }, 0);
  }

  #cut(text: string, width: number, size: number, weight: Weight): string {
    if (this.widthOf(text, size, weight) <= width) return text;
    const characters = [...text];
    let [fits, tooLong] = [0, characters.length];
    while (tooLong - fits > 1) {
      const middle = Math.floor((fits + tooLong) / 2);
      const cut = `${characters.slice(0, middle).join('').trimEnd()}${ELLIPSIS}`;
      if (this.widthOf(cut, size, weight) <= width) fits = middle;
      else tooLong = middle;
    }
    return `${characters.slice(0, fits).join('').trimEnd()}${ELLIPSIS}`;
  }
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** pdfkit lays out word by word, which would put the words of such a text in the wrong order; asked for features, it does not. */
function shapingOf(text: string): { features?: PDFKit.Mixins.OpenTypeFeatures[] } {
  return RIGHT_TO_LEFT.test(text) ? { features: [] } : {};
}
