/**
 * What a benchmark is at, for whoever waits: on standard error, so that the report stays alone on standard output.
 */
const begun = performance.now();

/** Says what begins now. */
export function stage(what: string): void {
  const seconds = Math.round((performance.now() - begun) / 1000);
  process.stderr.write(`${String(seconds).padStart(5)} s  ${what}\n`);
}
