/**
 * What a run of the fuzzers reports, and how it is shown to people.
 */
import { count, print, table } from '@tally/cli/print';
import type { DecoderCounts } from './decoder-fuzz.ts';

/** Bytes, after a forced garbage collection. */
export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
}

export interface DecoderReport extends DecoderCounts {
  seconds: number;
  rate: number;
  /** After the warm-up first, at the end last. */
  memory: Memory[];
  findings: string[];
}

export interface GatewayReport {
  requests: number;
  /** Items by kind. */
  kinds: Record<string, number>;
  /** Answers by status and code. */
  answers: Record<string, number>;
  /** Events answered as accepted, and those that failed and may be in the log all the same. */
  accepted: number;
  failed: number;
  recordsInLog: number;
  /** Connections that the gateway ended on requests that were no HTTP. */
  closed: number;
  /** Requests that their sender did not finish. */
  cut: number;
  slowestMs: number;
  seconds: number;
  rate: number;
  /** After the warm-up first, at the end last. */
  memory: Memory[];
  findings: string[];
  logTail: string;
}

export interface FuzzReport {
  seed: number;
  decoder: DecoderReport | null;
  gateway: GatewayReport | null;
  findings: string[];
}

const HEAP_GROWTH_BYTES_MAX = 32 * 1024 * 1024;
const RSS_GROWTH_BYTES_MAX = 160 * 1024 * 1024;
const MIB = 1024 * 1024;

/** What is wrong with the memory of a part, or nothing. */
export function memoryFindings(part: string, samples: readonly Memory[]): string[] {
  const before = samples[0];
  const after = samples.at(-1);
  if (!before || !after) return [`${part}: its memory is not known`];
  const heap = after.heapUsed + after.external - before.heapUsed - before.external;
  const rss = after.rss - before.rss;
  return [
    ...(heap > HEAP_GROWTH_BYTES_MAX ? [`${part}: the heap grew by ${Math.round(heap / MIB)} MiB`] : []),
    ...(rss > RSS_GROWTH_BYTES_MAX ? [`${part}: the resident size grew by ${Math.round(rss / MIB)} MiB`] : []),
  ];
}

export function printReport({ seed, decoder, gateway, findings }: FuzzReport): void {
  if (decoder) {
    print(outcomes('decoder', decoder.decoder));
    print(outcomes('consumer’s step, both topics', decoder.consumer));
    print(summary(`${count(decoder.values)} values`, decoder));
  }
  if (gateway) {
    print(outcomes('requests', gateway.kinds));
    print(outcomes('answers', gateway.answers));
    print(
      `${count(gateway.accepted)} events accepted, ${count(gateway.recordsInLog)} records in the log, ` +
        `${count(gateway.failed)} failed; ${count(gateway.closed)} connections closed, ${count(gateway.cut)} requests cut off\n`,
    );
    print(summary(`${count(gateway.requests)} requests`, gateway));
  }
  print(`seed ${seed}, ${findings.length} finding(s)\n${findings.map((finding) => `  ${finding}\n`).join('')}`);
  if (gateway?.logTail) print(gateway.logTail);
}

function outcomes(title: string, counts: Record<string, number>): string {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return table(
    [{ title }, { title: 'number', right: true }],
    rows.map(([name, number]) => [name, count(number)]),
  );
}

function summary(
  what: string,
  { seconds, rate, slowestMs, memory }: { seconds: number; rate: number; slowestMs: number; memory: readonly Memory[] },
): string {
  const mib = (name: keyof Memory): string => memory.map((one) => (one[name] / MIB).toFixed(0)).join(' → ');
  return (
    `${what} in ${seconds.toFixed(1)} s, ${count(rate)}/s, slowest ${slowestMs.toFixed(0)} ms; ` +
    `heap ${mib('heapUsed')} MiB, resident ${mib('rss')} MiB\n`
  );
}
