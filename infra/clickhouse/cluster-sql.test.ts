import { describe, expect, it } from 'vitest';
import { distributedSql, inClusterForm, Places } from './cluster-sql.ts';
import { COPIED_TABLES, MADE_BY_MIGRATIONS } from './copy.ts';
import { migrations, statements } from './index.ts';
import { TABLES, tablesOf } from './tables.ts';

const CLUSTER = { name: 'tally', database: 'usage', replicated: true, onCluster: true };
const ALL = migrations().flatMap(({ sql }) => statements(sql));
const CREATED = ALL.flatMap((sql) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(sql)?.[1] ?? []);

describe('on a cluster', () => {
  it('every table that a migration makes has its place, and no other has', () => {
    expect(Object.keys(TABLES).sort()).toEqual([...CREATED].sort());
  });

  it('every statement has a place; views and their tables are in the same', () => {
    const places = new Places();
    const placed = ALL.map((sql) => places.of(sql));
    for (const { sql, places: of } of placed) {
      const target = /^CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+)/.exec(sql)?.[1];
      if (target !== undefined) expect([target, TABLES[target], of]).toEqual([target, 'log', ['shard']]);
    }
    expect(placed.filter(({ places: of }) => of.length === 2).map(({ sql }) => sql.slice(0, 37))).toEqual([
      'CREATE TABLE IF NOT EXISTS erasures\n(',
    ]);
  });

  it.each([
    ['CREATE TABLE IF NOT EXISTS unheard_of (a UInt8) ENGINE = MergeTree ORDER BY a'],
    ['ALTER TABLE unheard_of ADD COLUMN a UInt8'],
    ['RENAME TABLE licences TO others'],
  ])('what has no place is refused: %s', (sql) => {
    expect(() => new Places().of(sql)).toThrow(expect.objectContaining({ code: 'MIGRATION_UNPLACED' }));
  });

  it('every table that the log fills is copied to other shards, or made there by the migrations', () => {
    expect([...COPIED_TABLES, ...MADE_BY_MIGRATIONS].sort()).toEqual(tablesOf('log').sort());
  });

  it('every table that the log fills is seen as one over all shards', () => {
    const sql = distributedSql({ ...CLUSTER, replicated: false, onCluster: false });
    expect(sql).toHaveLength(tablesOf('log').length);
    expect(sql).toContain(
      "CREATE OR REPLACE TABLE usage.activity AS usage_shard.activity ENGINE = Distributed('tally', 'usage_shard', 'activity')",
    );
  });
});

describe('with replicas', () => {
  it('every statement but an insert goes to all servers, every table is replicated under a path of its own', () => {
    const places = new Places();
    const paths: string[] = [];
    for (const statement of ALL) {
      const { sql, places: of } = places.of(statement);
      for (const place of of) {
        const form = inClusterForm(sql, place, CLUSTER);
        expect(form.includes("ON CLUSTER 'tally'")).toBe(!sql.startsWith('INSERT INTO'));
        const engine = /ENGINE = (\w+)/.exec(form)?.[1];
        if (engine !== undefined)
          expect(['Null', expect.stringMatching(/^Replicated\w*MergeTree$/)]).toContainEqual(engine);
        const path = /MergeTree\('([^']+)', '([^']+)'/.exec(form);
        if (path) paths.push(`${path[1]} ${path[2]}`);
      }
    }
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toHaveLength(CREATED.length - tablesOf('input').length + tablesOf('both').length);
  });

  it.each([
    [
      'shard',
      'CREATE TABLE IF NOT EXISTS profile_records (a UInt64)\nENGINE = ReplacingMergeTree(position)\nORDER BY a',
      "CREATE TABLE IF NOT EXISTS profile_records ON CLUSTER 'tally' (a UInt64)\nENGINE = ReplicatedReplacingMergeTree('/tally/usage_shard/{shard}/profile_records', '{replica}', position)\nORDER BY a",
    ],
    [
      'home',
      'CREATE TABLE IF NOT EXISTS licences (a UInt64)\nENGINE = MergeTree\nORDER BY a',
      "CREATE TABLE IF NOT EXISTS licences ON CLUSTER 'tally' (a UInt64)\nENGINE = ReplicatedMergeTree('/tally/usage/licences', '{shard}-{replica}')\nORDER BY a",
    ],
    [
      'shard',
      'CREATE MATERIALIZED VIEW IF NOT EXISTS activity_view TO activity AS\nSELECT 1',
      "CREATE MATERIALIZED VIEW IF NOT EXISTS activity_view ON CLUSTER 'tally' TO activity AS\nSELECT 1",
    ],
  ] as const)('a statement for a %s becomes its replicated form', (place, sql, form) => {
    expect(inClusterForm(sql, place, CLUSTER)).toBe(form);
    // Said to each server, it is the same but for those words.
    const toEach = inClusterForm(sql, place, { ...CLUSTER, onCluster: false });
    expect(toEach).toBe(form.replace(" ON CLUSTER 'tally'", ''));
  });
});
