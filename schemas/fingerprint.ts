/**
 * CRC-64-AVRO, the fingerprint by which Avro's single-object encoding names a schema. avsc has no Rabin fingerprint of
 * its own; the algorithm and its table are those of the Avro specification, "Schema Fingerprints".
 */
import type { Type } from 'avsc';

const EMPTY = 0xc15d213aa4d7a795n;
const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (EMPTY & -(crc & 1n));
  return BigInt.asUintN(64, crc);
});

/** CRC-64-AVRO of bytes. */
export function crc64Avro(bytes: Uint8Array): bigint {
  let crc = EMPTY;
  for (const byte of bytes) crc = (crc >> 8n) ^ (TABLE[Number((crc ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return crc;
}

/** A schema's fingerprint, as its 8 little-endian bytes stand in a message, 16 hex digits. */
export function fingerprintOf(type: Type): string {
  return hexOf(crc64Avro(Buffer.from(JSON.stringify(type.schema()))));
}

/** A fingerprint as its 8 little-endian bytes stand in a message, 16 hex digits. */
export function hexOf(fingerprint: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(fingerprint);
  return bytes.toString('hex');
}
