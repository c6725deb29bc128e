/**
 * What a backup is: its manifest, written last, and the digest of every file beside it.
 */
import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TallyError } from '@tally/platform/errors';
import { z } from 'zod';

export const MANIFEST = 'manifest.json';
/** Where ClickHouse's own part is, below the backup's directory. */
export const CLICKHOUSE_DIR = 'clickhouse';

const offsets = z.array(z.number().int().min(0));

const meteredPart = z.object({
  topic: z.string(),
  epoch: z.number().int(),
  file: z.string(),
  /** By partition: everything before was in all tables when the copying began. */
  committed: offsets,
  /** By partition: the end of the log when the copying had ended. Records from `committed` up to here are in the file. */
  until: offsets,
  records: z.number().int(),
});

const keptPart = z.object({
  topic: z.string(),
  file: z.string(),
  from: z.number().int(),
  until: z.number().int(),
  /** Only the newest record of each key is in there, and nothing names it by its offset. */
  compacted: z.boolean(),
});

const manifestSchema = z.object({
  /** 2 for a cluster, which versions of before there were any could bring back only in part. */
  format: z.literal([1, 2]),
  id: z.string(),
  /** Milliseconds since 1970-01-01 UTC: what happened later is not in the backup. */
  takenAt: z.number(),
  versions: z.object({ node: z.string(), clickhouse: z.string() }),
  clusterId: z.string(),
  database: z.string(),
  /** Servers of ClickHouse that the tables filled by the log are spread over. */
  shards: z.number().int().min(1).default(1),
  /** By name: the digest of each migration that the tables have had. */
  migrations: z.record(z.string(), z.string()),
  /** Whether ClickHouse's part is beside this file, or on a disk of ClickHouse's own. */
  clickhouse: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('files') }),
    z.object({ kind: z.literal('disk'), disk: z.string(), name: z.string() }),
  ]),
  metered: z.array(meteredPart),
  kept: z.array(keptPart),
  /** Under which identifiers are hashed: enough to tell another one from it, and no more. */
  identifierSecret: z.object({ salt: z.string(), hash: z.string() }),
  /** By path: SHA-256. */
  files: z.record(z.string(), z.string()),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type MeteredPart = z.infer<typeof meteredPart>;
export type KeptPart = z.infer<typeof keptPart>;

const SALT_BYTES = 16;
const HASH_BYTES = 32;

export function secretMark(secret: string): Manifest['identifierSecret'] {
  const salt = randomBytes(SALT_BYTES);
  return { salt: salt.toString('base64'), hash: scryptSync(secret, salt, HASH_BYTES).toString('base64') };
}

export function isSecretOf({ salt, hash }: Manifest['identifierSecret'], secret: string): boolean {
  return timingSafeEqual(scryptSync(secret, Buffer.from(salt, 'base64'), HASH_BYTES), Buffer.from(hash, 'base64'));
}

/** Puts the manifest beside the files, with their digests. What has none is no backup. */
export async function sealBackup(dir: string, manifest: Omit<Manifest, 'files'>): Promise<Manifest> {
  const whole: Manifest = { ...manifest, files: await digests(dir) };
  const unfinished = join(dir, `${MANIFEST}.unfinished`);
  await writeFile(unfinished, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, join(dir, MANIFEST));
  return whole;
}

/**
 * The manifest of a backup whose files are all there, and are what they were. Throws `BACKUP_UNREADABLE` where there is
 * no backup, and `BACKUP_DAMAGED` naming the first files that differ.
 */
export async function checkedBackup(dir: string): Promise<Manifest> {
  const manifest = await readManifest(dir);
  const found = await digests(dir);
  const wrong = [...new Set([...Object.keys(manifest.files), ...Object.keys(found)])].filter(
    (file) => manifest.files[file] !== found[file],
  );
  if (wrong.length === 0) return manifest;
  const named = wrong.slice(0, 3).join(', ');
  throw new TallyError(`${wrong.length} file(s) of ${dir} are not what was backed up: ${named}`, {
    code: 'BACKUP_DAMAGED',
    retriable: false,
  });
}

async function readManifest(dir: string): Promise<Manifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(dir, MANIFEST), 'utf8')));
  } catch (cause) {
    throw new TallyError(`${dir} holds no backup that was finished, or one of another version`, {
      code: 'BACKUP_UNREADABLE',
      retriable: false,
      cause,
    });
  }
}

async function digests(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(dir, join(parentPath, name)))
    .filter((file) => !file.startsWith(MANIFEST))
    .sort();
  const found: Record<string, string> = {};
  for (const file of files) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(dir, file))) hash.update(chunk as Buffer);
    found[file] = hash.digest('hex');
  }
  return found;
}
