/**
 * A backup, tried: taken while events flow, then ClickHouse lost, then everything; each time every figure is what it was,
 * and the ledger is balanced; on one ClickHouse server and on two. `npm run drill`.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/system.ts';
import { spawnTally, tally } from '../support/tally-command.ts';
import { DrillInstance, type Held } from './instance.ts';

const UNTIL = '2025-12-31';
const TENANT = 'contoso';
/** Each figure of each tenant is worked out, over and over. */
const TENANTS = '2';
const STATED = '2025-11';
const STEP_MS_MAX = 600_000;

interface Restored {
  records: number;
  survived: string[];
  putBack: Record<string, number>;
  ledger: boolean;
}

describe.each([1, 2])('a backup of %i ClickHouse server(s)', { timeout: STEP_MS_MAX }, (servers) => {
  const root = mkdtempSync(join(tmpdir(), 'tally-drill-'));
  const dataDir = join(root, 'data');
  const backup = join(root, 'backup');
  const keptErasures = join(root, 'erasures.ndjson');
  const instance = new DrillInstance(dataDir);
  /** At the backup's end; and when more had come. */
  let [atBackup, afterwards]: Held[] = [];
  let [decidedThen, decidedLater]: Held[] = [];
  let erased: { entity_id: string; entity_key: string };

  const send = (events: number, seed: number): Promise<string> =>
    instance.run(
      'simulate',
      '--events',
      String(events),
      '--seed',
      String(seed),
      '--tenants',
      TENANTS,
      '--until',
      UNTIL,
      '--json',
    );

  async function restore(...more: string[]): Promise<Restored> {
    return JSON.parse(await instance.run('restore', '--from', backup, '--json', ...more)) as Restored;
  }

  async function readable(): Promise<number> {
    const { rows } = await instance.clickhouse.queryOne<{ rows: string }>(
      "SELECT count() AS rows FROM interactions WHERE entity_key = {key:UInt128} AND entity_id != ''",
      { key: erased.entity_key },
    );
    return Number(rows);
  }

  beforeAll(async () => {
    await instance.start('--shards', String(servers));
  }, STEP_MS_MAX);

  afterAll(async () => {
    await instance.stop();
    rmSync(root, { recursive: true, force: true });
  }, STEP_MS_MAX);

  it('is taken while consumers are behind, with what waits for them', async () => {
    await send(600, 7);
    await instance.caughtUp();
    await instance.run('policy', 'set', TENANT, 'outbound-only', '--from', '2025-06-15', '--because', 'drill');
    await instance.run('keys', 'create', '--name', 'drill', '--role', 'admin');
    await instance.run('statement', 'issue', TENANT, STATED);
    instance.signalConsumers('SIGSTOP');
    await send(400, 8);
    const taken = JSON.parse(await instance.run('backup', '--to', backup, '--json')) as { records: number };
    instance.signalConsumers('SIGCONT');
    expect(taken.records).toBeGreaterThan(400);
    await instance.caughtUp();
    atBackup = await instance.held();
    decidedThen = await instance.decided();
  });

  it('does not hold what comes after it: more events, an erasure', async () => {
    await send(400, 9);
    await instance.caughtUp();
    erased = await instance.clickhouse.queryOne(
      `SELECT entity_id, toString(entity_key) AS entity_key FROM interactions
       WHERE tenant_id = {tenant:String} AND environment_id = 'prod' AND entity_type = 'contact'
       ORDER BY position LIMIT 1`,
      { tenant: TENANT },
    );
    const entity = ['--tenant', TENANT, '--environment', 'prod', '--type', 'contact', '--entity', erased.entity_id];
    await instance.run('erase', ...entity, '--because', 'drill');
    copyFileSync(join(dataDir, 'erasures.ndjson'), keptErasures);
    afterwards = await instance.held();
    decidedLater = await instance.decided();
    expect(afterwards).not.toEqual(atBackup);
    expect(decidedLater?.get('erasures')).not.toBe(decidedThen?.get('erasures'));
  });

  it('is refused by a database that has tables, and by an instance that runs', async () => {
    const { stderr } = await tally('restore', '--from', backup, '--data', dataDir);
    expect(stderr).toMatch(/\[DATA_DIR_IN_USE\]\n$/);
    await instance.stop();
    const again = await tally('restore', '--from', backup, '--data', dataDir);
    expect(again.stderr).toMatch(/\[DATABASE_NOT_EMPTY\]\n$/);
  });

  it('gives everything again when ClickHouse is lost and Kafka is not: the rest is read from the log', async () => {
    const engines = readdirSync(dataDir).filter((name) => name.startsWith('clickhouse'));
    expect(engines).toHaveLength(servers);
    for (const name of engines) rmSync(join(dataDir, name), { recursive: true });
    const restored = await restore();
    expect(restored).toMatchObject({ ledger: true, survived: ['tally.interactions.v1', 'tally.profiles.v1'] });
    expect(restored.records).toBeGreaterThan(400);
    await instance.start();
    await instance.caughtUp();
    expect(await instance.held()).toEqual(afterwards);
    expect(await instance.decided()).toEqual(decidedLater);
    expect(await readable()).toBe(0);
    const { balanced, lag } = await instance.ledger();
    expect({ balanced, lag }).toEqual({ balanced: true, lag: 0 });
    expect(await instance.run('statement', 'verify')).toContain('1');
    await instance.stop();
  });

  it('is refused when a file of it was changed, before anything is touched', async () => {
    rmSync(dataDir, { recursive: true });
    const statements = join(backup, 'tally.statements.v1.log.gz');
    appendFileSync(statements, 'x');
    const { exitCode, stderr } = await tally('restore', '--from', backup, '--data', dataDir);
    expect(stderr).toMatch(/tally\.statements\.v1\.log\.gz \[BACKUP_DAMAGED\]\n$/);
    expect(exitCode).toBe(1);
    expect(existsSync(dataDir)).toBe(false);
    truncateSync(statements, statSync(statements).size - 1);
  });

  it('killed in the middle of its restore leaves a database that nothing starts on, and begins anew', async () => {
    const { child, finished } = spawnTally(['restore', '--from', backup, '--data', dataDir], {});
    const begun = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('putting topics back')) resolve();
      });
    });
    await Promise.race([begun, finished]);
    child.kill('SIGKILL');
    await finished;
    const { exitCode, stderr } = await tally('up', '--data', dataDir, ...freePorts());
    expect(stderr).toMatch(/\[RESTORE_UNFINISHED\]\n$/);
    expect(exitCode).toBe(1);
  });

  it('gives all it holds when the whole directory is gone, at the positions it had', async () => {
    const restored = await restore('--erasures', keptErasures);
    expect(restored).toMatchObject({ ledger: true, survived: [] });
    await instance.start();
    await instance.caughtUp();
    expect(await instance.held()).toEqual(atBackup);
    expect(await readable()).toBe(0);
    const { balanced, lag } = await instance.ledger();
    expect({ balanced, lag }).toEqual({ balanced: true, lag: 0 });
    expect(await instance.run('statement', 'verify')).toContain('1');
  });

  it('counts what senders send again afterwards once, and all figures are those of before', async () => {
    // In the order in which they came first: a profile record is what was said of it last.
    await send(400, 8);
    await send(400, 9);
    await instance.caughtUp();
    expect(withoutPlaces(await instance.held())).toEqual(withoutPlaces(afterwards));
    await eventually(async () => expect((await instance.ledger()).balanced).toBe(true));
  });
});

/** Where in the log a figure was read up to is another place in a new log. */
function withoutPlaces(held: Held | undefined): Held {
  return new Map([...(held ?? [])].map(([name, content]) => [name, content.replace(/,"readUpTo":\[[^\]]*\]/, '')]));
}

function freePorts(): string[] {
  return ['--api-port', '--gateway-port', '--kafka-port', '--clickhouse-port'].flatMap((name) => [name, '0']);
}
