import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@tally/platform/log';
import { describe, expect, it } from 'vitest';
import { dueAtStart, type Job, startJobs } from './jobs.ts';
import type { Due } from './logged-run.ts';

const log = createLog('test', 'silent');
const EVERY_SECOND = '* * * * * *';

describe('dueAtStart', () => {
  const at = (time: string): number => Date.parse(`2026-01-15T${time}Z`);
  it.each([
    ['it never ran', undefined, '12:00:00', 'first', '12:00:00'],
    ['its time has not come since', '11:00:01', '11:59:59', undefined, ''],
    ['its time has just come', '11:00:01', '12:00:00', 'missed', '12:00:00'],
    ['it missed several: the first is told', '08:30:00', '12:30:00', 'missed', '09:00:00'],
  ])('%s', (_, last, now, cause, due) => {
    const expected = cause === undefined ? undefined : { cause, at: at(due) };
    expect(dueAtStart('0 0 * * * *', last === undefined ? undefined : at(last), at(now))).toEqual(expected);
  });
});

/** A job that notes when it runs; `work` is what it does. */
function noted(cron: string, work: () => Promise<void>): { job: Job; runs: Due[]; atOnceMax: () => number } {
  const runs: Due[] = [];
  let [atOnce, most] = [0, 0];
  const run = async (due: Due): Promise<void> => {
    runs.push(due);
    most = Math.max(most, ++atOnce);
    await work().finally(() => atOnce--);
  };
  return { job: { name: 'noted', cron, run }, runs, atOnceMax: () => most };
}

describe('startJobs', () => {
  it('never runs a job beside itself, the first run at the start included', async () => {
    const { job, runs, atOnceMax } = noted(EVERY_SECOND, () => sleep(2_300));
    const overlaps: string[] = [];
    const lastStartOf = async (): Promise<undefined> => undefined;
    const onOverlap = (name: string): void => void overlaps.push(name);
    const running = await startJobs({ jobs: [job], lastStartOf, clock: Date.now, log, onOverlap });
    await sleep(5_500);
    await running.stop();
    expect(atOnceMax()).toBe(1);
    expect(runs.map(({ cause }) => cause).slice(0, 2)).toEqual(['first', 'schedule']);
    expect(runs.length).toBeLessThanOrEqual(3);
    expect(overlaps.length).toBeGreaterThanOrEqual(2);
  });

  it('catches up a run that was missed, and runs nothing that was not', async () => {
    const missed = noted('0 0 0 1 1 *', async () => undefined);
    const notDue = noted('0 0 0 1 1 *', async () => undefined);
    const jobs = [
      { ...missed.job, name: 'missed' },
      { ...notDue.job, name: 'not-due' },
    ];
    const started: Record<string, number> = { missed: Date.UTC(2024, 5, 1), 'not-due': Date.now() };
    const running = await startJobs({ jobs, lastStartOf: async (name) => started[name], clock: Date.now, log });
    await running.stop();
    expect(missed.runs).toEqual([{ cause: 'missed', at: Date.UTC(2025, 0, 1) }]);
    expect(notDue.runs).toEqual([]);
  });

  it('goes on after a run that failed, and waits for the run in hand when it stops', async () => {
    let fails = true;
    let ended = 0;
    const { job, runs } = noted(EVERY_SECOND, async () => {
      if (fails) {
        fails = false;
        throw new Error('the first run fails');
      }
      await sleep(300);
      ended++;
    });
    const running = await startJobs({ jobs: [job], lastStartOf: async () => undefined, clock: Date.now, log });
    while (runs.length < 2) await sleep(20);
    await running.stop();
    expect(ended).toBe(runs.length - 1);
  });
});
