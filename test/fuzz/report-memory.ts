/**
 * Loaded into the gateway's process before its own code (`node --import`): on SIGUSR2 it collects garbage and writes its
 * memory to a file. The gateway itself knows nothing of it.
 */
import { renameSync, writeFileSync } from 'node:fs';

process.on('SIGUSR2', () => {
  for (let time = 0; time < 3; time++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const file = process.env['TALLY_FUZZ_MEMORY_FILE'] ?? '';
  writeFileSync(`${file}.tmp`, JSON.stringify({ rss, heapUsed, external }));
  renameSync(`${file}.tmp`, file);
});
