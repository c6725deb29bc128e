import { createHash } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { pdfOf } from './pdf/index.ts';
import { FileRenderer, type RendererLimits } from './renderer.ts';
import { crowdedStatement, overrunStatement } from './sample.ts';
import { xlsxOf } from './xlsx.ts';

const renderers: FileRenderer[] = [];

afterEach(async () => {
  for (const renderer of renderers.splice(0)) await renderer.close();
});

function renderer(limits?: RendererLimits): FileRenderer {
  const made = new FileRenderer(limits);
  renderers.push(made);
  return made;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A thread loads its fonts first, on a machine that may have much else to do. */
const RENDER_MS_MAX = 60_000;

it.each([
  ['pdf', pdfOf],
  ['xlsx', xlsxOf],
] as const)('makes a %s of the same bytes as without a thread', { timeout: RENDER_MS_MAX }, async (format, of) => {
  const statement = overrunStatement();
  expect(digest(await renderer().render(statement, format))).toBe(digest(await of(statement)));
});

it('leaves the event loop to others meanwhile', { timeout: RENDER_MS_MAX }, async () => {
  let longest = 0;
  let last = performance.now();
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const watch = setInterval(look, 5);
  const began = performance.now();
  await renderer().render(crowdedStatement(), 'pdf');
  look();
  clearInterval(watch);
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(100);
  expect(longest).toBeLessThan(took / 2);
});

it('refuses, to be tried again, what would wait behind too many', { timeout: RENDER_MS_MAX }, async () => {
  const one = renderer({ threadsMax: 1, waitingMax: 1 });
  const asked = Array.from({ length: 5 }, () => one.render(overrunStatement(), 'xlsx'));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'fulfilled'],
    ...['rejected', 'rejected', 'rejected'],
  ]);
  expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'RENDERER_BUSY', retriable: true } });
  expect((await one.render(overrunStatement(), 'xlsx')).byteLength).toBeGreaterThan(1_000);
});

it('gives up what takes too long, and takes no place any more', async () => {
  const one = renderer({ threadsMax: 1, waitingMax: 0, renderMsMax: 1 });
  for (let count = 0; count < 2; count++) {
    await expect(one.render(crowdedStatement(), 'pdf')).rejects.toMatchObject({
      code: 'RENDERER_BUSY',
      message: expect.stringContaining('1 ms'),
    });
  }
});

it('passes on what is wrong with a statement', { timeout: RENDER_MS_MAX }, async () => {
  const broken = { ...overrunStatement(), interactions: undefined } as never;
  await expect(renderer().render(broken, 'pdf')).rejects.toThrow(TypeError);
});
