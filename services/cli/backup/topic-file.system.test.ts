import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fewestPartitions, TestSystem } from '../../../test/support/system.ts';
import { readTopicFile, writeTopicFile } from './topic-file.ts';

it('keeps headers of every name, also of one that stands twice and of one that every object has', async () => {
  const system = await TestSystem.create('topic_file', { partitions: fewestPartitions() });
  const dir = await mkdtemp(join(tmpdir(), 'tally-topic-file-'));
  try {
    const { sender, topics, kafka, admin } = system;
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const headers = { one: 'a', two: ['b', 'c'], constructor: 'd', ['__proto__']: 'e', toString: ['f', 'g'] };
    await sender.send([{ topic: topics.interactions, key, value, headers }]);
    const file = join(dir, 'file.gz');
    expect(await writeTopicFile({ kafka, admin }, { topic: topics.interactions, file, from: new Map() })).toBe(1);
    const texts: unknown[] = [];
    for await (const record of readTopicFile(file)) {
      const found = Object.entries(record.headers ?? {});
      texts.push([record.value?.toString(), found.map(([name, of]) => [name, [of ?? []].flat().map(String)])]);
    }
    const one = [
      ['one', ['a']],
      ['two', ['b', 'c']],
      ['constructor', ['d']],
      ['__proto__', ['e']],
      ['toString', ['f', 'g']],
    ];
    expect(texts).toEqual([['value', one]]);
  } finally {
    await rm(dir, { recursive: true });
    await system.close();
  }
});
