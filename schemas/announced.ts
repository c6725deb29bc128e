/**
 * Versions of a schema that are newer than this code. Whoever writes records of one announces it first, in a topic of its
 * own, so that consumers which are not upgraded yet can read them: they take the fields that they know and leave the rest.
 *
 * A newer version is an older one with optional fields behind its last: nothing else could be read without knowing what it
 * means. Its announcement is the schema's Parsing Canonical Form under its fingerprint, so nobody can announce one schema
 * under another's name, and what is checked is the text itself: nothing that comes from a topic is made into a type unless
 * it is one of ours with plain fields added.
 */
import avro from 'avsc';
import { crc64Avro, hexOf } from './fingerprint.ts';
import { rawTypeOf, type SchemaVersion, VERSIONS } from './single-object.ts';

/** Bytes of one announcement. */
const SCHEMA_BYTES_MAX = 16 * 1024;
/** Fields that a version may add. */
const ADDED_FIELDS_MAX = 64;
/** Schemas looked at; anybody who may write to the topic could fill it. */
const ANNOUNCED_MAX = 1_000;

const ADDED_FIELD = /,\{"name":"[A-Za-z_]\w*","type":\["null","(?:boolean|int|long|float|double|bytes|string)"\]\}/;
const ADDED_FIELDS = new RegExp(`^(?:${ADDED_FIELD.source}){1,${ADDED_FIELDS_MAX}}\\]\\}$`);
const END_OF_FIELDS = ']}';

/** What was announced; filled from the topic, asked by `decodeRecord`. */
export class AnnouncedSchemas {
  readonly #byFingerprint = new Map<string, SchemaVersion | string>();

  /**
   * Takes a record of the topic in.
   * @param key the fingerprint, 16 hex digits, as its 8 bytes stand in a message
   * @param value the schema's Parsing Canonical Form
   * @returns why the schema cannot be read; undefined when it can
   */
  add(key: Buffer | null, value: Buffer | null): string | undefined {
    const fingerprint = key?.toString('latin1') ?? '';
    if (!/^[0-9a-f]{16}$/.test(fingerprint)) return 'the key is not a fingerprint of 16 hex digits';
    if (VERSIONS.some((known) => known.fingerprint === fingerprint)) return undefined;
    if (this.#byFingerprint.size >= ANNOUNCED_MAX) return `more than ${ANNOUNCED_MAX} schemas are announced`;
    const read = readSchema(fingerprint, value ?? Buffer.alloc(0));
    if (typeof this.#byFingerprint.get(fingerprint) !== 'object') this.#byFingerprint.set(fingerprint, read);
    return typeof read === 'string' ? read : undefined;
  }

  /** The schema of a fingerprint, or why the one announced cannot be read; undefined when none was announced. */
  find(fingerprint: string): SchemaVersion | string | undefined {
    return this.#byFingerprint.get(fingerprint);
  }
}

/** The versions that this code writes and that older code may not know: to be announced before the first record. */
export function announcements(): { key: Buffer; value: Buffer }[] {
  const newest = new Map(VERSIONS.map((version) => [version.name, version]));
  return [...newest.values()]
    .filter(({ version }) => version > 1)
    .map(({ fingerprint, type }) => ({ key: Buffer.from(fingerprint), value: Buffer.from(canonicalForm(type)) }));
}

function readSchema(fingerprint: string, value: Buffer): SchemaVersion | string {
  if (value.length > SCHEMA_BYTES_MAX) return `the schema has more than ${SCHEMA_BYTES_MAX} bytes`;
  if (hexOf(crc64Avro(value)) !== fingerprint) return 'the fingerprint is not that of the schema in canonical form';
  const text = value.toString('utf8');
  const base = VERSIONS.findLast(({ type }) => text.startsWith(fieldsOf(type)));
  if (!base || !ADDED_FIELDS.test(text.slice(fieldsOf(base.type).length))) {
    return 'the schema is not one of Tally’s with optional fields added at its end';
  }
  try {
    const writtenAs = avro.Type.forSchema(JSON.parse(text));
    const resolvers = {
      text: base.type.createResolver(writtenAs),
      raw: rawTypeOf(base.type).createResolver(rawTypeOf(writtenAs)),
    };
    return { ...base, file: 'announced', fingerprint, resolvers };
  } catch (error) {
    return `the schema is none: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function canonicalForm(type: avro.Type): string {
  return JSON.stringify(type.schema());
}

/** The canonical form up to its last field. */
function fieldsOf(type: avro.Type): string {
  return canonicalForm(type).slice(0, -END_OF_FIELDS.length);
}
