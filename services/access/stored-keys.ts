/**
 * Keys in ClickHouse: appended, read with their last use.
 */
import { type ClickHouse, dateTime64 } from '@tally/platform/clickhouse';
import type { Role } from './roles.ts';

export interface StoredKey {
  id: string;
  name: string;
  role: Role;
  /** Empty: all. */
  tenants: string[];
  /** SHA-256, hex. */
  hash: string;
  /** Milliseconds UTC, as all moments here. */
  createdAt: number;
  createdBy: string;
  expiresAt: number | null;
  revokedAt: number | null;
  revokedBy: string;
}

interface Row {
  id: string;
  name: string;
  role: Role;
  tenants: string[];
  hash: string;
  created: string;
  created_by: string;
  expires: string | null;
  revoked: string | null;
  revoked_by: string;
}

const KEYS = `
  SELECT
    id, name, role, tenants, hash, created_by, revoked_by, toUnixTimestamp64Milli(created_at) AS created,
    toUnixTimestamp64Milli(expires_at) AS expires, toUnixTimestamp64Milli(revoked_at) AS revoked
  FROM api_keys
  ORDER BY revoked_at IS NOT NULL DESC, changed_at DESC
  LIMIT 1 BY id`;

/** Every key there ever was, revoked and expired ones too. */
export async function storedKeys(clickhouse: ClickHouse): Promise<StoredKey[]> {
  const rows = await clickhouse.query<Row>(KEYS);
  return rows.map(({ created, created_by, expires, revoked, revoked_by, ...row }) => ({
    ...row,
    createdAt: Number(created),
    createdBy: created_by,
    expiresAt: momentOf(expires),
    revokedAt: momentOf(revoked),
    revokedBy: revoked_by,
  }));
}

/** Appends a key as it is from now on. Resolves when it is on disk. */
export async function storeKey(clickhouse: ClickHouse, key: StoredKey, now: number): Promise<void> {
  const { createdAt, createdBy, expiresAt, revokedAt, revokedBy, ...row } = key;
  await clickhouse.insert('api_keys', [
    {
      ...row,
      changed_at: dateTime64(now),
      created_at: dateTime64(createdAt),
      created_by: createdBy,
      expires_at: expiresAt === null ? null : dateTime64(expiresAt),
      revoked_at: revokedAt === null ? null : dateTime64(revokedAt),
      revoked_by: revokedBy,
    },
  ]);
}

/** When each key was last used, to the minute. */
export async function lastUses(clickhouse: ClickHouse): Promise<Map<string, number>> {
  const rows = await clickhouse.query<{ id: string; at: string }>(
    'SELECT id, toUnixTimestamp64Milli(max(last_used_at)) AS at FROM api_key_uses GROUP BY id',
  );
  return new Map(rows.map(({ id, at }) => [id, Number(at)]));
}

export async function storeUse(clickhouse: ClickHouse, id: string, now: number): Promise<void> {
  await clickhouse.insert('api_key_uses', [{ id, last_used_at: dateTime64(now) }]);
}

function momentOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}
