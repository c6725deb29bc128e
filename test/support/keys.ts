/**
 * Keys for rows that a test writes itself: different for different names, as the consumer's are.
 */
import { createHash } from 'node:crypto';

/** 128 bits in decimal digits, as ClickHouse's JSON takes a UInt128. */
export function keyOf(...names: (string | number)[]): string {
  return BigInt(`0x${createHash('sha256').update(names.join('/')).digest('hex').slice(0, 32)}`).toString();
}
