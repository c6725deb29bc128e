/**
 * What a key looks like: `tally_ID_SECRET`, 64 public bits in hex and 256 secret ones in base64url. The beginning is for
 * people and for scanners of leaked secrets; the id finds the key without comparing all of them.
 *
 * The whole key is kept as SHA-256. Slow hashes are for passwords, which can be guessed; of 2^256 equally likely secrets
 * none can, so a fast hash gives nothing away and costs a request a microsecond instead of a tenth of a second.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const KEY = /^tally_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

export const KEY_ID = /^[0-9a-f]{16}$/;

export interface NewKey {
  id: string;
  /** To be shown once. */
  key: string;
  /** SHA-256, hex. */
  hash: string;
}

export function newKey(): NewKey {
  const id = randomBytes(ID_BYTES).toString('hex');
  const key = `tally_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, key, hash: hashOf(key).toString('hex') };
}

/** The public id in a key; undefined when the text is none. */
export function idOfKey(text: string): string | undefined {
  return KEY.exec(text)?.[1];
}

/** Compares in a time that does not depend on either. */
export function isKeyOf(key: string, hash: string): boolean {
  return timingSafeEqual(hashOf(key), Buffer.from(hash, 'hex'));
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
