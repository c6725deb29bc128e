import { ClickHouse } from '@tally/platform/clickhouse';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { databaseSql, distributedSql, inClusterForm, Places } from './cluster-sql.ts';
import { migrations, statements } from './index.ts';

const CLUSTER = { name: 'tally', database: 'usage', replicated: true };

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
    for (const sql of [databaseSql('usage', CLUSTER), ...forms, ...distributedSql(CLUSTER)]) {
      const tree = await clickhouse.query<{ explain: string }>(`EXPLAIN AST ${sql}`);
      expect(tree.length, sql).toBeGreaterThan(0);
    }
    await expect(clickhouse.query(`EXPLAIN AST ${databaseSql('usage ON CLUSTER', CLUSTER)}`)).rejects.toMatchObject({
      code: 'CLICKHOUSE_SYNTAX_ERROR',
    });
  });
});
