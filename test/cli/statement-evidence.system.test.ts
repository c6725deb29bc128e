/**
 * What is behind a statement, asked over HTTP and by the command line: a file is whole or it is an error.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpServer, type FastifyInstance, Problem, Registry } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import { type Statement, sealed } from '@tally/statements';
import { rowsInFile } from '@tally/statements/evidence';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { addEvidenceRoutes } from '../../services/api/evidence.ts';
import { statementExplainCommand } from '../../services/cli/commands/statement-explain.ts';
import { statementExportCommand } from '../../services/cli/commands/statement-export.ts';
import { someOf } from '../support/some-of.ts';
import { freshTenant, TestSystem } from '../support/system.ts';
import { WrittenLog } from '../support/written-log.ts';
import { EVENTS_OF_LARGE, issueWritten, stopExport, writeLargeMonth } from '../support/written-statements.ts';

const log = createLog('test', 'silent');
const NOW = Date.parse('2026-04-10T00:00:00Z');

describe('the evidence of a statement, from outside', () => {
  const [small, large] = [freshTenant('small'), freshTenant('large')];
  const statements = new Map<string, Statement>();
  let system: TestSystem;
  let app: FastifyInstance;
  let url: string;
  let dir: string;

  beforeAll(async () => {
    system = await TestSystem.create('evidence_out');
    dir = mkdtempSync(join(tmpdir(), 'tally-evidence-'));
    const written = await WrittenLog.open(system, 4);
    await written.write(
      { tenantId: small, entity: 0, day: '2026-03-01' },
      { tenantId: small, entity: 1, day: '2026-03-02' },
      { tenantId: small, entity: 1, day: '2026-03-02', inbound: true },
    );
    const tenants = [small, large];
    const positions = await writeLargeMonth(system, { log: written, tenantId: large });
    const issued = await issueWritten(system, { tenants, month: '2026-03', now: NOW, positions, by: 'ann' });
    for (const statement of issued) statements.set(`${statement.tenantId}/2026-03`, statement);
    const [statement = expect.fail('no statement')] = statements.values();
    const { digest: _, ...content } = statement;
    const wrong = { ...content, interactions: { ...content.interactions, used: 4 } };
    statements.set(`${small}/2026-02`, sealed(wrong));
    app = createHttpServer({
      log,
      registry: new Registry(),
      ready: async () => ({ ok: true, detail: '' }),
      bodyBytesMax: 1_000,
      requestTimeoutMs: 10_000,
    });
    addEvidenceRoutes(app, {
      clickhouse: system.clickhouse,
      statementOf: async (tenantId, month) => {
        const found = statements.get(`${tenantId}/${month}`);
        if (found) return found;
        throw new Problem({ status: 404, code: 'statement-not-issued', title: 'None', detail: 'none' });
      },
    });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
  });

  afterAll(async () => {
    await app?.close();
    await system?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  const get = (path: string, tenantId = small): Promise<Response> =>
    fetch(`${url}/v1/tenants/${tenantId}/statements/${path}`);

  describe('over HTTP', () => {
    it('is explained, and paged to the end', async () => {
      const explained = await get('2026-03/explain?figure=interactions');
      expect(await explained.json()).toMatchObject({ stated: 3, counted: 3, addsUp: true, late: null });
      const ids: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const path = `2026-03/rows?figure=interactions&limit=2${after === '' ? '' : `&after=${after}`}`;
        const { rows, next } = (await (await get(path)).json()) as {
          rows: { eventId: string }[];
          next: string | null;
        };
        ids.push(...rows.map(({ eventId }) => eventId));
        after = next;
      }
      expect(ids).toEqual(['0', '1', '2']);
    });

    it.each([
      ['csv', 'text/csv; charset=utf-8; header=present'],
      ['ndjson', 'application/x-ndjson'],
      ['parquet', 'application/vnd.apache.parquet'],
    ])('is a file in %s, which says how many rows it has', async (format, type) => {
      const response = await get(`2026-03/rows.${format}?figure=engagedPeople&environment=test`);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': type,
        'content-disposition': `attachment; filename="${small}-2026-03-engagedPeople.${format}"`,
        'x-tally-rows': '1',
        'x-tally-counted': '1',
      });
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(20);
    });

    it.each([
      ['2026-03/explain', 400],
      ['2026-03/explain?figure=people', 400],
      ['2026-03/explain?figure=engagedPeople&channel=email', 400],
      ['2026-03/rows.csv?figure=engagedPeople&day=2026-03-01', 400],
      ['2026-03/rows?figure=interactions&channel=fax', 400],
      ['2026-03/rows?figure=interactions&limit=0', 400],
      ['2026-03/rows?figure=interactions&after=x', 400],
      ['2026-01/rows?figure=interactions', 404],
      ['2026-03/rows.xlsx?figure=interactions', 404],
    ])('answers %s with %i', async (path, status) => {
      expect((await get(path)).status).toBe(status);
    });

    it('breaks off, and does not end, when ClickHouse is stopped in the middle', async () => {
      const response = await get('2026-03/rows.csv?figure=interactions', large);
      expect(response.headers.get('x-tally-rows')).toBe(String(EVENTS_OF_LARGE));
      const reader = response.body?.getReader() ?? expect.fail('no body');
      let bytes = (await reader.read()).value?.length ?? 0;
      const { ended } = await stopExport(system);
      const rest = async (): Promise<void> => {
        for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
      };
      await expect(rest()).rejects.toThrow();
      await ended;
      expect(bytes).toBeGreaterThan(0);
    });
  });

  describe('by the command line', () => {
    /** What it prints, and how it ends. */
    async function run(command: Command, ...args: string[]): Promise<{ out: string; code: string }> {
      const written: string[] = [];
      const into = (text: string | Uint8Array): boolean => written.push(String(text)) > 0;
      vi.spyOn(process.stdout, 'write').mockImplementation(into);
      vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
      let code = '';
      try {
        await command.parseAsync([...args, '--api', url, '--key', 'k'], { from: 'user' });
      } catch (error) {
        ({ code } = error as { code: string });
      } finally {
        vi.restoreAllMocks();
      }
      return { out: written.join(''), code };
    }

    it('explains every figure, as tables and as JSON', async () => {
      const { out, code } = await run(statementExplainCommand(), small, '2026-03');
      expect(code).toBe('');
      expect(out.match(/adds up .* yes/g)).toHaveLength(5);
      expect(out).toMatch(/stated .* 3 /);
      const json = await run(statementExplainCommand(), small, '2026-03', '--day', '2026-03-02', '--json');
      expect(JSON.parse(json.out)).toMatchObject({
        month: '2026-03',
        figures: [{ figure: 'interactions', counted: 2, stated: 2, addsUp: true }],
      });
    });

    it('ends with an error where a figure does not add up', async () => {
      const { out, code } = await run(statementExplainCommand(), small, '2026-02', '--figure', 'interactions');
      expect(code).toBe('STATEMENT_DOES_NOT_ADD_UP');
      expect(out).toMatch(/adds up .* NO/);
    });

    it.each(someOf(['csv', 'ndjson', 'parquet'] as const))(
      'exports %s, whole, and says that it adds up',
      async (format) => {
        const file = join(dir, `large.${format}`);
        const options = ['--figure', 'interactions', '--format', format, '--out', file, '--json'];
        const { out, code } = await run(statementExportCommand(), large, '2026-03', ...options);
        expect(code).toBe('');
        expect(JSON.parse(out)).toMatchObject({ file, rows: EVENTS_OF_LARGE, stated: EVENTS_OF_LARGE, addsUp: true });
        expect(await rowsInFile(file, format)).toBe(EVENTS_OF_LARGE);
        expect(existsSync(`${file}.part`)).toBe(false);
      },
    );

    it('exports what there is, and ends with an error, where it does not add up', async () => {
      const file = join(dir, 'wrong.csv');
      const { out, code } = await run(
        statementExportCommand(),
        small,
        '2026-02',
        '--figure',
        'interactions',
        '--out',
        file,
      );
      expect(code).toBe('STATEMENT_DOES_NOT_ADD_UP');
      expect(out).toMatch(/3 row\(s\), interactions 3, stated 4/);
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(5);
    });

    it('leaves no file when the export breaks off', async () => {
      const file = join(dir, 'broken.csv');
      const running = run(statementExportCommand(), large, '2026-03', '--figure', 'interactions', '--out', file);
      const { ended } = await stopExport(system);
      // Before its first byte it is refused, after it it breaks off.
      expect(['EXPORT_CUT', 'unavailable']).toContain((await running).code);
      await ended;
      expect(readdirSync(dir).filter((name) => name.startsWith('broken'))).toEqual([]);
    });
  });
});
