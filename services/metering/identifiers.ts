/**
 * The normal form under which two spellings of one identifier are the same.
 */

/**
 * E-mail: trimmed and lower-cased. Phone: `+` and digits alone, a leading `00` being `+`; without a digit it is none, or
 * all who left the field at `+` would be one person. Other kinds: trimmed. An empty result identifies nobody.
 */
export function normaliseIdentifier(kind: string, value: string): string {
  switch (kind) {
    case 'email':
      return value.trim().toLowerCase();
    case 'phone': {
      const number = value.replace(/[^+0-9]/g, '').replace(/^00/, '+');
      return /\d/.test(number) ? number : '';
    }
    default:
      return value.trim();
  }
}
