/**
 * Small string and number hashes that spread entities over types, lanes and connections. Not for identity.
 */

/** FNV-1a over the UTF-16 units of a text: an unsigned 32-bit number, the same on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return scramble(hash);
}

/** Murmur3's finalizer: every bit of the input moves every bit of the unsigned 32-bit answer. */
export function scramble(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
