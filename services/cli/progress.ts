/**
 * Progress of long work, on standard error; without a terminal a line now and then.
 */
import { Presets, SingleBar } from 'cli-progress';
import { count } from './print.ts';

export interface Progress {
  update: (done: number) => void;
  /** The work is done, with a total that may differ from the expected one. */
  finish: (total: number) => void;
  stop: () => void;
}

const LINE_EVERY_MS = 5_000;

export function progressBar(what: string, total: number, unit: string): Progress {
  return process.stderr.isTTY ? drawnBar(what, total, unit) : lines(what, total, unit);
}

function drawnBar(what: string, total: number, unit: string): Progress {
  const bar = new SingleBar(
    {
      format: `${what.padEnd(11)} {bar} {percentage} % | {value}/{total} ${unit} | {duration_formatted}`,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    update: (done) => {
      if (done > bar.getTotal()) bar.setTotal(done);
      bar.update(done);
    },
    finish: (reached) => {
      bar.setTotal(reached);
      bar.update(reached);
    },
    stop: () => bar.stop(),
  };
}

function lines(what: string, total: number, unit: string): Progress {
  let saidAt = Date.now();
  const say = (done: number): void => {
    saidAt = Date.now();
    process.stderr.write(`${what}: ${count(done)} of ${count(Math.max(done, total))} ${unit}\n`);
  };
  return {
    update: (done) => {
      if (Date.now() - saidAt >= LINE_EVERY_MS) say(done);
    },
    finish: say,
    stop: () => undefined,
  };
}
