/**
 * What the official image's entry point does, as far as compose and Testcontainers use it: a user of `CLICKHOUSE_USER` and
 * `CLICKHOUSE_PASSWORD` in the place of `default`, a database `CLICKHOUSE_DB`, and a server until SIGTERM. Whatever is
 * mounted in config.d and users.d counts. Without a user and a password, `default` is for this container alone, as there;
 * `CLICKHOUSE_SKIP_USER_SETUP=1` opens it to everybody.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const CONFIG = '/etc/clickhouse-server/config.xml';
const USERS_D = '/etc/clickhouse-server/users.d';
/** It ends when its input does, and then waits 5 s for idle connections. What it has acknowledged is on disk. */
const STOP_MS_MAX = 2_500;
const PROBE_PAUSE_MS = 50;

const env = process.env;
const user = env['CLICKHOUSE_USER'] ?? 'default';
const password = env['CLICKHOUSE_PASSWORD'] ?? '';
const open = env['CLICKHOUSE_SKIP_USER_SETUP'] === '1';
// The engine's own query runs as `default`, without a password.
if (user === 'default' && password !== '') throw new Error('this stand-in needs another CLICKHOUSE_USER than default');
if (open || user !== 'default' || password !== '') {
  writeFileSync(`${USERS_D}/default-user.xml`, usersXml());
}

const engine = spawn(
  process.execPath,
  [
    '/opt/clickhouse/host.ts',
    '--path=/var/lib/clickhouse',
    '--http_port=8123',
    '--tcp_port=9000',
    '--listen_host=0.0.0.0',
    `--config-file=${CONFIG}`,
    '--log-level=information',
    '--query',
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM file('stdin', 'LineAsString', 'line String') FORMAT Null",
  ],
  { stdio: ['pipe', 'inherit', 'inherit'] },
);
let stopping = false;
engine.once('exit', (code) => process.exit(stopping ? 0 : (code ?? 1)));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true;
    engine.stdin.end();
    setTimeout(() => engine.kill('SIGKILL'), STOP_MS_MAX);
  });
}
if (env['CLICKHOUSE_DB'] !== undefined) await createDatabase(env['CLICKHOUSE_DB']);

async function createDatabase(name: string): Promise<void> {
  const headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password };
  for (;;) {
    const body = `CREATE DATABASE IF NOT EXISTS ${name}`;
    const answer = await fetch('http://127.0.0.1:8123/', { method: 'POST', headers, body }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(PROBE_PAUSE_MS);
  }
}

function usersXml(): string {
  const text = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const rights = open ? '1' : text(env['CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT'] ?? '0');
  return `<clickhouse>
  <users>
    <${user} replace="replace">
      <password>${text(password)}</password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>${rights}</access_management>
    </${user}>
  </users>
</clickhouse>
`;
}
