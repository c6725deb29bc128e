/**
 * Erasures noted in a file outside of the database, a line of JSON each, without the id: a restore brings back what was
 * erased after the backup, and makes these again.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErasureNote } from '@tally/consumer';
import { TallyError } from '@tally/platform/errors';
import { z } from 'zod';

const noteSchema = z.object({
  entity_key: z.string().regex(/^\d+$/),
  tenant_id: z.string(),
  erased_at: z.string(),
  by: z.string(),
  because: z.string(),
});

/** Of an instance, where none is named: beside its data, so that it survives the loss of ClickHouse’s alone. */
export function erasuresFile(dataDir: string): string {
  return join(dataDir, 'erasures.ndjson');
}

export function noteErasure(file: string, note: ErasureNote): void {
  appendFileSync(file, `${JSON.stringify(note)}\n`, { mode: 0o600 });
}

/** Throws what reading the file does, and `ERASURES_UNREADABLE` naming the line. */
export function notedErasures(file: string): ErasureNote[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [noteSchema.parse(JSON.parse(line))];
    } catch (cause) {
      throw new TallyError(`${file}, line ${index + 1} is no note of an erasure`, {
        code: 'ERASURES_UNREADABLE',
        retriable: false,
        cause,
      });
    }
  });
}
