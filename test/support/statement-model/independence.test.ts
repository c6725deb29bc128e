import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FOLDER = new URL('.', import.meta.url);
const sources = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));

it.each(sources)('%s imports nothing but its own folder', (name) => {
  const source = readFileSync(new URL(name, FOLDER), 'utf8');
  const imported = [...source.matchAll(/(?:\sfrom\s+|^import\s+|\bimport\()'([^']+)'/gm)].map(([, path]) => path);
  expect(imported.filter((path) => !/^\.\/[\w-]+\.ts$/.test(path ?? ''))).toEqual([]);
});
