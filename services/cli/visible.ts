/**
 * Text that somebody else wrote, for a terminal: what would move the cursor, colour the screen or turn the writing round
 * is shown as what it is.
 */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
