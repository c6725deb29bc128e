import { ClickHouse } from '@tally/platform/clickhouse';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { databaseSql, distributedSql, inClusterForm, Places } from './cluster-sql.ts';
import { migrations, statements } from './index.ts';

const CLUSTER = { name: 'tally', database: 'usage', replicated: true, onCluster: true };

// The embedded server has no Keeper, so what is replicated can be read by it, not run.
describe('the replicated form', () => {
  const clickhouse = new ClickHouse({ url: inject('clickhouseUrl'), database: 'default' });

  afterAll(() => clickhouse.close());

  it('is SQL to ClickHouse, every statement of it', async () => {
    const places = new Places();
    const forms = migrations()
      .flatMap(({ sql }) => statements(sql))
      .flatMap((statement) => {
        const { sql, places: of } = places.of(statement);
        return of.map((place) => inClusterForm(sql, place, CLUSTER));
      });
    const parse = (sql: string) =>
      clickhouse.queryOne<{ parsed: string }>('SELECT formatQuery({sql:String}) AS parsed', { sql });
    for (const sql of [databaseSql('usage', CLUSTER), ...forms, ...distributedSql(CLUSTER)]) {
      const { parsed } = await parse(sql);
      expect(parsed.includes('ON CLUSTER'), sql).toBe(!sql.startsWith('INSERT INTO'));
    }
    const wrong = parse('CREATE DATABASE IF NOT EXISTS usage SOMEWHERE ELSE');
    // What trying again cannot mend: the statement is at fault.
    await expect(wrong).rejects.toMatchObject({ retriable: false });
  });
});
