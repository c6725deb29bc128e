/**
 * What stands between the fields of a CSV file. Spreadsheets write a semicolon where the comma is the decimal sign, and
 * say so nowhere; the header line shows it.
 */
export const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export type DelimiterName = keyof typeof DELIMITERS;

const NAMES = ['comma', 'semicolon', 'tab'] as const;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CODES = { comma: 0x2c, semicolon: 0x3b, tab: 0x09 } as const satisfies Record<DelimiterName, number>;

/**
 * The delimiter that stands most often in the first line with anything in it, outside quotes; the comma where none does.
 * `ended`: whether that line's end was there.
 */
export function delimiterOf(beginning: Uint8Array): { delimiter: DelimiterName; ended: boolean } {
  const times = { comma: 0, semicolon: 0, tab: 0 };
  let quoted = false;
  let ended = false;
  let begun = false;
  const marked = BYTE_ORDER_MARK.every((byte, index) => beginning[index] === byte);
  for (const byte of marked ? beginning.subarray(BYTE_ORDER_MARK.length) : beginning) {
    const atLineEnd = !quoted && (byte === LINE_FEED || byte === CARRIAGE_RETURN);
    if (atLineEnd && begun) {
      ended = true;
      break;
    }
    begun ||= !atLineEnd;
    if (byte === QUOTE) quoted = !quoted;
    if (quoted) continue;
    for (const name of NAMES) if (byte === CODES[name]) times[name]++;
  }
  return { delimiter: NAMES.reduce((most, name) => (times[name] > times[most] ? name : most)), ended };
}

/** Looks at the beginning of a file for its delimiter, `bytesMax` at most; `chunks` has all of it all the same. */
export async function detectDelimiter(
  source: AsyncGenerator<Buffer>,
  bytesMax: number,
): Promise<{ delimiter: DelimiterName; chunks: AsyncGenerator<Buffer> }> {
  let beginning: Buffer = Buffer.alloc(0);
  let found = delimiterOf(beginning);
  while (!found.ended && beginning.length < bytesMax) {
    const { value, done } = await source.next();
    if (done) break;
    beginning = Buffer.concat([beginning, value]);
    found = delimiterOf(beginning);
  }
  return { delimiter: found.delimiter, chunks: after(beginning, source) };
}

async function* after(beginning: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (beginning.length > 0) yield beginning;
  yield* rest;
}
