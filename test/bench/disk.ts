/**
 * Whether a disk has room for what a long run writes, asked before it begins.
 */
import { statfsSync } from 'node:fs';
import { TallyError } from '@tally/platform/errors';
import { stage } from './stage.ts';

/** Of a record in its topic: 166 bytes of key and value, and what Kafka adds. */
const TOPIC_BYTES_PER_EVENT = 190;
/** Some 165 at rest; a merge holds old and new parts at the same time, and old ones stay for eight minutes. */
const TABLE_BYTES_PER_EVENT = 500;
/** Left to everybody else on the disk. */
const SPARE_BYTES = 2 * 2 ** 30;

/** Says what will be needed. Throws `BENCH_DISK` when there is less. */
export function checkDisk(dir: string, events: number): void {
  const topics = events * TOPIC_BYTES_PER_EVENT;
  const tables = events * TABLE_BYTES_PER_EVENT;
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  const said = `${events} events take up to ${gibibytes(topics)} in topics and ${gibibytes(tables)} in tables; ${gibibytes(free)} are free`;
  stage(said);
  if (topics + tables + SPARE_BYTES <= free) return;
  throw new TallyError(`${said} in ${dir}: give another directory with --data, or fewer events`, {
    code: 'BENCH_DISK',
    retriable: false,
  });
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
