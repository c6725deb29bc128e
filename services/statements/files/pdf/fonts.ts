/**
 * The fonts of the page, and which of them can write what. Noto Sans reads best and its digits are all of one width; DejaVu
 * knows more alphabets. Neither knows Chinese or Japanese: such fonts weigh more than all of Tally, and every name on the
 * page has an ASCII id beside it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { create, type Font, type FontCollection } from 'fontkit';

const require = createRequire(import.meta.url);

const NOTO_FOLDER = join(dirname(require.resolve('@fontsource/noto-sans/package.json')), 'files');

/** Noto Sans comes in a file for each group of alphabets. In the order in which they are asked for a character. */
const NOTO_PARTS = ['latin', 'latin-ext', 'greek', 'greek-ext', 'cyrillic', 'cyrillic-ext', 'vietnamese'] as const;

const WEIGHTS = {
  regular: { noto: 400, fallback: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf') },
  bold: { noto: 600, fallback: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf') },
} as const;

export type Weight = keyof typeof WEIGHTS;

/** Written where no font has the character. */
const REPLACEMENT = '\ufffd';

/** Turns text around, joins or hides what stands beside it; on a bill each of them could mislead. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu;

/** A part of a text that one font can write. */
export interface Run {
  font: string;
  text: string;
}

interface LoadedFont {
  name: string;
  bytes: Buffer;
  font: Font;
}

const loaded = new Map<Weight, readonly LoadedFont[]>();

/** The fonts of a weight, read from disk once. */
export function fontsOf(weight: Weight): readonly LoadedFont[] {
  const known = loaded.get(weight);
  if (known) return known;
  const { noto, fallback } = WEIGHTS[weight];
  const paths = NOTO_PARTS.map((part) => join(NOTO_FOLDER, `noto-sans-${part}-${noto}-normal.woff`));
  const fonts = [...paths, fallback].map((path, index) => {
    const bytes = readFileSync(path);
    return { name: `${weight}-${index}`, bytes, font: single(create(bytes)) };
  });
  loaded.set(weight, fonts);
  return fonts;
}

/** Whether every character of a text can be written as it is. */
export function canWrite(text: string): boolean {
  return runsOf(text, 'regular').every((run) => !run.text.includes(REPLACEMENT));
}

/** A text on one line, cut where the font changes. What cannot be written becomes U+FFFD. */
export function runsOf(text: string, weight: Weight): Run[] {
  const runs: Run[] = [];
  const plain = text
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(/[\p{Cc}\s]+/gu, ' ');
  for (const character of plain) {
    const last = runs.at(-1);
    const { font, written } = chosen(character, weight, last?.font);
    if (last?.font === font) last.text += written;
    else runs.push({ font, text: written });
  }
  return runs;
}

/** A space or a mark stays with the font of what stands before it, where that has it. */
function chosen(character: string, weight: Weight, before: string | undefined): { font: string; written: string } {
  const fonts = fontsOf(weight);
  const has = ({ font }: LoadedFont): boolean => font.hasGlyphForCodePoint(character.codePointAt(0) ?? 0);
  const previous = /[\p{M} ]/u.test(character) ? fonts.find(({ name }) => name === before) : undefined;
  const candidates = previous ? [previous, ...fonts] : fonts;
  const found = candidates.find(has);
  if (found) return { font: found.name, written: character };
  return { font: fonts.at(-1)?.name ?? '', written: REPLACEMENT };
}

function single(font: Font | FontCollection): Font {
  if ('fonts' in font) throw new TypeError('a font file holds one font');
  return font;
}
