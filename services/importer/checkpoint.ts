/**
 * How far an import has come, in a file beside the input: what is written there is acknowledged by the log. A crash costs
 * what came after; those rows are sent again and recognised as duplicates.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, TallyError } from '@tally/platform/errors';
import { z } from 'zod';
import { FORMATS } from './format.ts';
import { ROW_TYPES } from './row-fields.ts';

const DIGESTED_BYTES = 1024 * 1024;

const checkpointSchema = z.object({
  version: z.literal(1),
  /** The input as it was when the import began. */
  file: z.object({ bytes: z.number(), modifiedAtMs: z.number(), sha256OfFirstMiB: z.string() }),
  options: z.object({
    type: z.enum(ROW_TYPES),
    format: z.enum(FORMATS),
    ignoreUnknown: z.boolean(),
    /** Absent: the one that the header line shows. */
    delimiter: z.enum(['comma', 'semicolon', 'tab']).optional(),
  }),
  /** The log it goes to, and each partition's end when the import began, as `topic/partition`. */
  target: z.object({ clusterId: z.string(), topicPrefix: z.string(), ends: z.record(z.string(), z.string()) }),
  /** Rows done: each is acknowledged, or listed as refused. */
  rows: z.number().int().min(0),
  sent: z.number().int().min(0),
  refused: z.record(z.string(), z.number()),
  /** Length of the list of refused rows that belongs to `rows`, bytes. */
  refusedBytes: z.number().int().min(0),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;
export type Target = Checkpoint['target'];

/** What makes two imports the same one. */
export type Identity = Pick<Checkpoint, 'file' | 'options' | 'target'>;

/** What a file is known by: its size, its time of change, and its beginning. */
export async function fingerprintOf(file: string): Promise<Checkpoint['file']> {
  const handle = await open(file);
  try {
    const { size, mtimeMs } = await handle.stat();
    const first = Buffer.alloc(Math.min(size, DIGESTED_BYTES));
    await handle.read(first, 0, first.length, 0);
    return { bytes: size, modifiedAtMs: mtimeMs, sha256OfFirstMiB: createHash('sha256').update(first).digest('hex') };
  } finally {
    await handle.close();
  }
}

/**
 * The checkpoint of an unfinished import, or undefined when there is none. Throws when going on from it could leave rows
 * out: `IMPORT_FILE_CHANGED`, `IMPORT_OPTIONS_CHANGED`, `IMPORT_LOG_CHANGED`, `CHECKPOINT_INVALID`.
 */
export function readCheckpoint(path: string, now: Identity): Checkpoint | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const found = parse(text, path);
  if (!same(found.file, now.file)) {
    throw refusal('IMPORT_FILE_CHANGED', 'the file has changed since its import began');
  }
  if (!same(found.options, now.options)) {
    throw refusal('IMPORT_OPTIONS_CHANGED', `the import began with other options (${JSON.stringify(found.options)})`);
  }
  const { clusterId, topicPrefix, ends } = found.target;
  const shorter = Object.entries(ends).find(([name, end]) => BigInt(now.target.ends[name] ?? 0) < BigInt(end));
  if (clusterId !== now.target.clusterId || topicPrefix !== now.target.topicPrefix || shorter) {
    throw refusal('IMPORT_LOG_CHANGED', 'the import began into another log');
  }
  return found;
}

/** Writes it so that whoever reads sees the old one or the new one, power cuts included. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const handle = await open(unfinished, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(checkpoint)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, path);
    const folder = await open(dirname(path));
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    throw new TallyError(`the checkpoint cannot be written (--state-dir names another place): ${messageOf(cause)}`, {
      code: 'CHECKPOINT_NOT_WRITABLE',
      retriable: false,
      cause,
    });
  }
}

export function removeCheckpoint(path: string): Promise<void> {
  return rm(path, { force: true });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, path: string): Checkpoint {
  try {
    return checkpointSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TallyError(`${path} is no checkpoint of this version; --restart begins anew`, {
      code: 'CHECKPOINT_INVALID',
      retriable: false,
      cause,
    });
  }
}

function same(a: object, b: object): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

function refusal(code: string, what: string): TallyError {
  const harmless = 'rows that were sent before are recognised as duplicates';
  return new TallyError(`${what}: --restart sends it from its beginning; ${harmless}`, { code, retriable: false });
}
