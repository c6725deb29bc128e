/**
 * What is noted as done, when the log takes only some of the rows. The log here is a function.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TallyError } from '@tally/platform/errors';
import type { TallyRecord } from '@tally/schemas';
import { afterEach, describe, expect, it } from 'vitest';
import type { Target } from './checkpoint.ts';
import { importFile } from './import-file.ts';

const dirs: string[] = [];

afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

const TARGET: Target = { clusterId: 'c', topicPrefix: '', ends: { 't/0': '10' } };

function fileOf(rows: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'tally-importer-'));
  dirs.push(dir);
  const file = join(dir, 'rows.ndjson');
  const line = (index: number): string =>
    JSON.stringify({
      eventId: `e-${index}`,
      tenantId: 'contoso',
      environmentId: 'prod',
      entityType: 'contact',
      entityId: 'c-1',
      channel: index % 10 === 9 ? 'fax' : 'email',
      occurredAt: Date.UTC(2026, 2, 1),
    });
  writeFileSync(file, Array.from({ length: rows }, (_, index) => line(index)).join('\n'));
  return file;
}

const idOf = ({ value }: TallyRecord): number => ('eventId' in value ? Number(value.eventId.slice(2)) : -1);

function run(
  file: string,
  send: (record: TallyRecord) => Promise<void>,
  more: { target?: Target; signal?: AbortSignal; restart?: boolean } = {},
) {
  const { target = TARGET, signal = new AbortController().signal, restart = false } = more;
  return importFile({
    file,
    format: 'ndjson',
    type: 'interaction',
    ignoreUnknown: false,
    restart,
    destination: { target, send },
    now: () => Date.UTC(2026, 3, 1),
    onProgress: () => undefined,
    signal,
  });
}

const away = () => Promise.reject(new TallyError('Kafka is away', { code: 'NOT_ACKNOWLEDGED', retriable: true }));
const taken = () => Promise.resolve();
const checkpointOf = (file: string) =>
  JSON.parse(readFileSync(`${file}.tally-import.json`, 'utf8')) as { rows: number };

describe('an import whose log fails', () => {
  it.each([100, 50_000])('stops before the first row that was not acknowledged, of %i rows', async (rows) => {
    const file = fileOf(rows);
    const report = await run(file, (record) => (idOf(record) === 42 ? away() : taken()));
    expect(report).toMatchObject({
      status: 'failed',
      rows: 42,
      sent: 38,
      refused: 4,
      error: { code: 'NOT_ACKNOWLEDGED' },
    });
    expect(checkpointOf(file).rows).toBe(42);
  });

  it('goes on from there, and lists every refused row once', async () => {
    const file = fileOf(3_000);
    await run(file, (record) => (idOf(record) >= 1_234 ? away() : taken()));
    const sent: number[] = [];
    const report = await run(file, async (record) => void sent.push(idOf(record)));
    expect(sent[0]).toBe(1_234);
    expect(report).toMatchObject({
      status: 'done',
      resumedAt: 1_234,
      rows: 3_000,
      sent: 2_700,
      reasons: { 'invalid-field': 300 },
    });
    const listed = readFileSync(report.refusedFile ?? '', 'utf8')
      .trimEnd()
      .split('\n');
    expect(listed.map((line) => (JSON.parse(line) as { row: number }).row)).toEqual(
      Array.from({ length: 300 }, (_, index) => index * 10 + 10),
    );
    expect(existsSync(`${file}.tally-import.json`)).toBe(false);
  });

  it('refuses rows that the producer refuses, and goes on', async () => {
    const tooLarge = () => Promise.reject(new TallyError('too large', { code: 'RECORD_TOO_LARGE', retriable: false }));
    const report = await run(fileOf(20), (record) => (idOf(record) === 3 ? tooLarge() : taken()));
    expect(report).toMatchObject({ status: 'done', sent: 17, reasons: { 'invalid-field': 2, 'record-too-large': 1 } });
  });

  it('ends when it is asked to while the log takes nothing', async () => {
    const file = fileOf(20_000);
    const stop = new AbortController();
    const running = run(file, (record) => (idOf(record) < 5 ? taken() : new Promise(() => undefined)), {
      signal: stop.signal,
    });
    await sleep(200);
    stop.abort();
    expect(await running).toMatchObject({ status: 'interrupted', rows: 5, error: null });
    expect(checkpointOf(file).rows).toBe(5);
  });
});

describe('an unfinished import', () => {
  const half = (record: TallyRecord) => (idOf(record) >= 50 ? away() : taken());

  it.each([
    ['another cluster', { ...TARGET, clusterId: 'd' }],
    ['another prefix', { ...TARGET, topicPrefix: 'x.' }],
    ['a log that has become shorter', { ...TARGET, ends: { 't/0': '9' } }],
    ['a log whose partition is gone', { ...TARGET, ends: {} }],
  ])('does not go on into %s, unless it begins anew', async (_, target) => {
    const file = fileOf(100);
    await run(file, half);
    await expect(run(file, taken, { target })).rejects.toMatchObject({ code: 'IMPORT_LOG_CHANGED', retriable: false });
    expect(await run(file, taken, { target, restart: true })).toMatchObject({ status: 'done', resumedAt: 0, sent: 90 });
  });

  it('goes on into a log that has grown', async () => {
    const file = fileOf(100);
    await run(file, half);
    const target = { ...TARGET, ends: { 't/0': '99' } };
    expect(await run(file, taken, { target })).toMatchObject({ status: 'done', resumedAt: 50, sent: 90 });
  });

  it('says so when its checkpoint is none', async () => {
    const file = fileOf(10);
    writeFileSync(`${file}.tally-import.json`, '{"rows":5}');
    await expect(run(file, taken)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });
});
