/**
 * Output for people: tables, numbers with thin groups.
 */
import Table from 'cli-table3';

const NUMBER = new Intl.NumberFormat('en-GB');

export function count(value: number): string {
  return NUMBER.format(value);
}

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  right?: boolean;
}

/** A table with light lines, ending in a newline. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  drawn.push(...rows.map((row) => [...row]));
  return `${drawn.toString()}\n`;
}

export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** `contact 12, lead 3`, largest first. */
export function breakdown(counts: Record<string, number>): string {
  return Object.entries(counts)
    .filter(([, value]) => value !== 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, value]) => `${name} ${count(value)}`)
    .join(', ');
}

/** `asOf` of an answer, for a line under a table. */
export function freshness(asOf: { computedAt: string; positions: Record<string, number> } | null): string {
  if (asOf === null) return 'not worked out yet\n';
  const records = Object.values(asOf.positions).reduce((sum, offset) => sum + offset, 0);
  return `as of ${asOf.computedAt}, ${count(records)} log records\n`;
}
