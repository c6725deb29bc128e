-- Who may call: keys, when they were last used, sessions of the dashboard, and what was done with them.

-- A change is a new row; one that is revoked stays so, whatever is written after it. The key itself is nowhere.
CREATE TABLE IF NOT EXISTS api_keys
(
    -- Public, part of the key.
    id         String,
    changed_at DateTime64(3, 'UTC'),
    name       String,
    role       LowCardinality(String),
    -- Empty: all.
    tenants    Array(String),
    -- SHA-256 of the whole key, hex. It holds 256 random bits, so no slow hash is needed: there is nothing to guess.
    hash       String,
    created_at DateTime64(3, 'UTC'),
    created_by String,
    expires_at Nullable(DateTime64(3, 'UTC')),
    revoked_at Nullable(DateTime64(3, 'UTC')),
    revoked_by String
)
ENGINE = MergeTree
ORDER BY (id, changed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Written at most once a minute a key by each process that takes keys.
CREATE TABLE IF NOT EXISTS api_key_uses
(
    id           String,
    last_used_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The newest row of a session holds; one that has ended stays so.
CREATE TABLE IF NOT EXISTS sessions
(
    -- HMAC-SHA-256 of the random id in the cookie, under the configured admin key: with another key all sessions are over.
    hash       String,
    -- The key that it was begun with and lives no longer than; empty for one that was begun with a token.
    key_id     String,
    name       String,
    role       LowCardinality(String),
    tenants    Array(String),
    created_at DateTime64(3, 'UTC'),
    expires_at DateTime64(3, 'UTC'),
    ended_at   Nullable(DateTime64(3, 'UTC'))
)
ENGINE = MergeTree
ORDER BY hash
TTL toDateTime(expires_at) + INTERVAL 1 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every change and every reading of a statement: a row before it is done, and one with the status when it is answered.
CREATE TABLE IF NOT EXISTS audit
(
    at         DateTime64(3, 'UTC'),
    request_id String,
    method     LowCardinality(String),
    -- As the api declares it.
    route      LowCardinality(String),
    -- As it was asked for, without its query.
    path       String,
    tenant_id  LowCardinality(String),
    who        String,
    key_id     String,
    role       LowCardinality(String),
    via        LowCardinality(String),
    -- 0 in the first row.
    status     UInt16
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, request_id, status)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
