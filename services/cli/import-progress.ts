/**
 * Progress of an import: the share of the file that is read, the rows done, and how fast. Without a terminal a line now
 * and then.
 */
import type { ImportProgress } from '@tally/importer';
import { Presets, SingleBar } from 'cli-progress';
import { count } from './print.ts';

const LINE_EVERY_MS = 5_000;
const DRAW_EVERY_MS = 200;

export interface ImportBar {
  update: (progress: ImportProgress) => void;
  stop: () => void;
}

export function importBar(name: string): ImportBar {
  return process.stderr.isTTY ? drawnBar(name) : lines(name);
}

function drawnBar(name: string): ImportBar {
  const bar = new SingleBar(
    {
      format: `${name} {bar} {percentage} % | {rows} rows | {rate} rows/s | {duration_formatted}`,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const rate = rateMeter();
  let drawnAt = 0;
  bar.start(100, 0, { rows: 0, rate: 0 });
  return {
    update: (progress) => {
      const now = Date.now();
      if (now - drawnAt < DRAW_EVERY_MS && progress.bytes < progress.bytesTotal) return;
      drawnAt = now;
      bar.update(percentOf(progress), { rows: count(progress.rows), rate: count(rate(progress.rows)) });
    },
    stop: () => bar.stop(),
  };
}

function lines(name: string): ImportBar {
  const rate = rateMeter();
  let saidAt = Date.now();
  return {
    update: (progress) => {
      const now = Date.now();
      if (now - saidAt < LINE_EVERY_MS) return;
      saidAt = now;
      const percent = percentOf(progress);
      process.stderr.write(
        `${name}: ${percent} %, ${count(progress.rows)} rows, ${count(rate(progress.rows))} rows/s\n`,
      );
    },
    stop: () => undefined,
  };
}

/** Rows a second since this run began; rows of earlier runs do not count. */
function rateMeter(): (rows: number) => number {
  let from: { rows: number; at: number } | undefined;
  return (rows) => {
    from ??= { rows, at: performance.now() };
    const seconds = (performance.now() - from.at) / 1000;
    return seconds === 0 ? 0 : Math.round((rows - from.rows) / seconds);
  };
}

function percentOf({ bytes, bytesTotal }: ImportProgress): number {
  return bytesTotal === 0 ? 100 : Math.floor((bytes / bytesTotal) * 100);
}
