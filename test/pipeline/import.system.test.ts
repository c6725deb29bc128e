/**
 * `tally import` as its users run it: three formats, twice, killed in the middle, with rows that cannot be sent.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someOf } from '../support/some-of.ts';
import { eventually, freshTenant, TestSystem } from '../support/system.ts';
import { spawnTally } from '../support/tally-command.ts';

const PEOPLE = 40;

interface Row {
  eventId: string;
  tenantId: string;
  environmentId: string;
  entityType: string;
  entityId: string;
  channel: string;
  occurredAt: number;
}

interface Report {
  status: string;
  rows: number;
  sent: number;
  refused: number;
  reasons: Record<string, number>;
  resumedAt: number;
  refusedFile: string | null;
  error: { code: string } | null;
}

describe('tally import', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tally-import-'));
  let system: TestSystem;
  let ask: Awaited<ReturnType<TestSystem['api']>>;

  beforeAll(async () => {
    system = await TestSystem.create('import');
    ask = await system.api();
    await system.consumer();
  });

  afterAll(async () => {
    await system.close();
    rmSync(dir, { recursive: true });
  });

  const start = (...args: string[]) => spawnTally(['import', '--json', ...args], system.env);

  async function run(...args: string[]): Promise<{ exitCode: number; report: Report | undefined; stderr: string }> {
    const { exitCode, stdout, stderr } = await start(...args).finished;
    const { files } = stdout === '' ? { files: [] } : (JSON.parse(stdout) as { files: Report[] });
    return { exitCode, report: files[0], stderr };
  }

  function write(name: string, content: string | Uint8Array): string {
    const file = join(dir, name);
    writeFileSync(file, content);
    return file;
  }

  /** Interactions in March 2026, and people engaged on its last day. */
  async function figures(tenantId: string): Promise<{ interactions: number; engaged: number }> {
    await system.caughtUp();
    const month = (await ask(`/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`)).body as {
      months: [{ total: number }];
    };
    const { total } = (await ask(`/v1/tenants/${tenantId}/engaged?asOf=2026-03-31`)).body as { total: number };
    return { interactions: month.months[0].total, engaged: total };
  }

  it.each(someOf(['ndjson', 'csv', 'parquet'] as const))(
    'gives the same figures from %s, also when imported twice',
    async (format) => {
      const tenantId = freshTenant(format);
      const file = write(`same.${format}`, contentOf(format, rowsOf(tenantId, 1_500)));
      for (let time = 1; time <= 2; time++) {
        const { exitCode, report } = await run(file);
        expect(report).toMatchObject({ status: 'done', rows: 1_500, sent: 1_500, refused: 0, resumedAt: 0 });
        expect(exitCode).toBe(0);
        expect(existsSync(`${file}.tally-import.json`)).toBe(false);
        expect(existsSync(`${file}.refused.ndjson`)).toBe(false);
        expect(await figures(tenantId)).toEqual({ interactions: 1_500, engaged: PEOPLE });
      }
    },
  );

  it('takes voids and profiles as well, and people with one address become one', async () => {
    const tenantId = freshTenant('mixed');
    const [first] = rowsOf(tenantId, 1);
    const { channel: _, occurredAt, ...event } = first as Row;
    const rows = [
      first,
      { ...event, type: 'void', voidedAt: occurredAt, reason: 'test' },
      ...['r-1', 'r-2'].map((recordId) => ({
        type: 'profile',
        tenantId,
        environmentId: 'prod',
        source: 'crm',
        recordId,
        changedAt: occurredAt,
        'identifier.email': 'Lamar@contoso.com',
      })),
    ];
    const { exitCode } = await run(write('mixed.ndjson', rows.map((row) => JSON.stringify(row)).join('\n')));
    expect(exitCode).toBe(0);
    expect(await figures(tenantId)).toEqual({ interactions: 0, engaged: 0 });
    await system.aggregate();
    expect((await ask(`/v1/tenants/${tenantId}/unified`)).body).toMatchObject({ total: 1, records: 2 });
  });

  it('goes on where it was killed (SIGKILL), and every figure is exact', async () => {
    const tenantId = freshTenant('killed');
    const rows = rowsOf(tenantId, 90_000);
    const lines = rows.map((row, index) => (index % 1_000 === 999 ? 'not JSON' : JSON.stringify(row)));
    const file = write('killed.ndjson', lines.join('\n'));
    const first = start(file);
    await eventually(async () => expect(checkpointOf(file).rows).toBeGreaterThan(0), 60_000);
    first.child.kill('SIGKILL');
    await first.finished;
    const { rows: done } = checkpointOf(file);
    expect(done).toBeLessThan(rows.length);

    const { exitCode, report } = await run(file);
    expect(report).toMatchObject({ status: 'done', rows: 90_000, sent: 89_910, reasons: { 'invalid-json': 90 } });
    expect(report?.resumedAt).toBe(done);
    expect(exitCode).toBe(1);
    const refused = refusedRows(report).map(({ row }) => row);
    expect(refused).toEqual(Array.from({ length: 90 }, (_, index) => index * 1_000 + 1_000));
    expect(await figures(tenantId)).toEqual({ interactions: 89_910, engaged: PEOPLE });
  });

  it('stops in order when it is asked to (SIGTERM), and goes on', async () => {
    const tenantId = freshTenant('stopped');
    const file = write('stopped.ndjson', contentOf('ndjson', rowsOf(tenantId, 80_000)));
    const first = start(file);
    await eventually(async () => expect(checkpointOf(file).rows).toBeGreaterThan(0), 60_000);
    first.child.kill('SIGTERM');
    const { stdout } = await first.finished;
    const [stopped] = (JSON.parse(stdout) as { files: Report[] }).files;
    expect(stopped).toMatchObject({ status: 'interrupted', rows: checkpointOf(file).rows });
    expect((await run(file)).report).toMatchObject({ status: 'done', sent: 80_000, resumedAt: stopped?.rows });
    expect(await figures(tenantId)).toEqual({ interactions: 80_000, engaged: PEOPLE });
  });

  it('lists refused rows with their place, reason and content, and sends the others', async () => {
    const tenantId = freshTenant('refused');
    const [row, other] = rowsOf(tenantId, 2) as [Row, Row];
    const { eventId: _, ...anonymous } = row;
    const late = { ...row, occurredAt: Date.now() + 3 * 86_400_000 };
    const file = write('refused.ndjson', [row, anonymous, late, other].map((one) => JSON.stringify(one)).join('\n\n'));
    const { exitCode, report } = await run(file);
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({
      status: 'done',
      sent: 2,
      reasons: { 'missing-event-id': 1, 'occurred-too-late': 1 },
    });
    expect(refusedRows(report)).toEqual([
      { row: 2, line: 3, code: 'missing-event-id', detail: expect.any(String), data: anonymous },
      { row: 3, line: 5, code: 'occurred-too-late', detail: expect.any(String), data: late },
    ]);
    expect(await figures(tenantId)).toEqual({ interactions: 2, engaged: 2 });
  });

  it('refuses to go on with a file that has changed, unless it begins anew', async () => {
    const tenantId = freshTenant('changed');
    const rows = contentOf('ndjson', rowsOf(tenantId, 100));
    const file = write('changed.ndjson', Buffer.concat([rows, Buffer.from([0x0a, 0xff])]));
    const broken = await run(file);
    expect(broken).toMatchObject({ exitCode: 1, report: { status: 'failed', sent: 100, error: { code: 'NOT_UTF8' } } });

    writeFileSync(file, rows);
    appendFileSync(file, `\n${JSON.stringify(rowsOf(tenantId, 101)[100])}`);
    const refused = await run(file);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('[IMPORT_FILE_CHANGED]');
    expect(await figures(tenantId)).toMatchObject({ interactions: 100 });
    expect(await run(file, '--restart')).toMatchObject({ exitCode: 0, report: { status: 'done', sent: 101 } });
    expect(await figures(tenantId)).toMatchObject({ interactions: 101 });
  });

  it('sends nothing in a dry run, and leaves no checkpoint', async () => {
    const before = await system.admin.extents(system.topics.interactions);
    const file = write(
      'dry.csv',
      contentOf('csv', rowsOf(freshTenant('dry'), 50))
        .toString()
        .replace('email', 'fax'),
    );
    const { exitCode, report } = await run(file, '--dry-run');
    expect(report).toMatchObject({ status: 'done', rows: 50, sent: 49, reasons: { 'invalid-field': 1 } });
    expect(exitCode).toBe(1);
    expect(await system.admin.extents(system.topics.interactions)).toEqual(before);
    expect(existsSync(`${file}.tally-import.json`)).toBe(false);
  });

  const unusable: [what: string, args: string[]][] = [
    ['a file that is not there', ['nowhere.csv']],
    ['an extension it does not know', ['same.txt']],
    ['a type it does not know', ['same.csv', '--type', 'click']],
    ['no file', []],
  ];
  it.each(someOf(unusable))('ends with 2 for %s', async (_, [name, ...rest]) => {
    write('same.txt', '');
    const { exitCode } = await start(...(name === undefined ? [] : [join(dir, name)]), ...rest).finished;
    expect(exitCode).toBe(2);
  });
});

function rowsOf(tenantId: string, count: number): Row[] {
  return Array.from({ length: count }, (_, index) => ({
    eventId: `e-${index}`,
    tenantId,
    environmentId: 'prod',
    entityType: 'contact',
    entityId: `c-${index % PEOPLE}`,
    channel: 'email',
    occurredAt: Date.UTC(2026, 2, 1 + (index % 31), 12),
  }));
}

function contentOf(format: 'ndjson' | 'csv' | 'parquet', rows: readonly Row[]): Buffer {
  const names = Object.keys(rows[0] ?? {}) as (keyof Row)[];
  switch (format) {
    case 'ndjson':
      return Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
    case 'csv':
      return Buffer.from(
        [names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.join(',')).join('\n'),
      );
    case 'parquet': {
      const columnData = names.map((name) => ({
        name: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        ...(name === 'occurredAt'
          ? { data: rows.map((row) => new Date(row.occurredAt)), type: 'TIMESTAMP' as const }
          : { data: rows.map((row) => row[name]), type: 'STRING' as const }),
      }));
      return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 400 }));
    }
  }
}

function checkpointOf(file: string): { rows: number } {
  return JSON.parse(readFileSync(`${file}.tally-import.json`, 'utf8')) as { rows: number };
}

function refusedRows(report: Report | undefined): { row: number }[] {
  const lines = readFileSync(report?.refusedFile ?? '', 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as { row: number });
}
