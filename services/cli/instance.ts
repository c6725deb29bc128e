/**
 * An instance is a data directory: its secrets, made once, and, while it runs, where its services are.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localCluster } from '@tally/local';
import type { ClickHouseOptions } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { z } from 'zod';

const secretsSchema = z.object({ adminKey: z.string().min(16), identifierSecret: z.string().min(16) });
export type Secrets = z.infer<typeof secretsSchema>;

/** The database of an instance that was given no other. */
export const DATABASE = 'tally';

const instanceSchema = z.object({
  api: z.url(),
  gateway: z.url(),
  kafka: z.string(),
  clickhouse: z.url(),
  /** Servers of ClickHouse that run, `clickhouse` the first. */
  engines: z.array(z.url()).default([]),
  /** Those of them that the database is on, in the order of its shards; none where it is on the first alone. */
  shards: z.array(z.url()).default([]),
  /** Of ClickHouse. Files of before there was a choice do not name it. */
  database: z.string().default(DATABASE),
  adminKey: z.string(),
  pids: z.record(z.string(), z.array(z.number())),
});

/** A running instance: addresses, the admin key, and the process ids by service. */
export type Instance = z.infer<typeof instanceSchema>;

/** How an instance's database is reached. */
export function databaseOf({
  clickhouse,
  shards,
  database,
}: Pick<Instance, 'clickhouse' | 'shards' | 'database'>): ClickHouseOptions {
  return { url: clickhouse, database, ...clusterOf(shards) };
}

/** The part of the options that is for a cluster of the embedded servers; empty for one server. */
export function clusterOf(shards: readonly string[]): Pick<ClickHouseOptions, 'shards' | 'cluster'> {
  return shards.length < 2 ? {} : { shards, cluster: localCluster(shards.length) };
}

const OWNER_ONLY = 0o600;

/** The directory's secrets; made at the first start. Figures depend on them: they must be kept with the data. */
export function secretsOf(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const known = readJson(file);
  if (known !== undefined) return secretsSchema.parse(known);
  const secrets: Secrets = {
    adminKey: process.env['TALLY_ADMIN_KEY'] ?? `tally_${randomBytes(24).toString('base64url')}`,
    identifierSecret: randomBytes(32).toString('base64url'),
  };
  mkdirSync(dataDir, { recursive: true });
  writeJson(file, secrets);
  return secrets;
}

export function writeInstance(dataDir: string, instance: Instance): void {
  writeJson(instanceFile(dataDir), instance);
}

export function removeInstance(dataDir: string): void {
  rmSync(instanceFile(dataDir), { force: true });
}

/** The instance that runs on a directory. Throws `NOT_RUNNING` when there is none. */
export function runningInstance(dataDir: string): Instance {
  const found = instanceSchema.safeParse(readJson(instanceFile(dataDir)));
  if (found.success) return found.data;
  throw new TallyError(`no instance runs on ${dataDir}: start one with \`tally up --data ${dataDir}\``, {
    code: 'NOT_RUNNING',
    retriable: false,
  });
}

function instanceFile(dataDir: string): string {
  return join(dataDir, 'instance.json');
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeJson(file: string, content: unknown): void {
  const unfinished = `${file}.${process.pid}.tmp`;
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY });
  renameSync(unfinished, file);
}
