/**
 * A statement with one thing changed in it, for each thing it says: what tells whether a file leaves something out.
 */
import type { Statement } from '../document.ts';

export interface ChangedLeaf {
  path: string;
  statement: Statement;
}

/** One statement for each number, text, flag and null. Their digests are not made anew. */
export function changedLeaves(statement: Statement): ChangedLeaf[] {
  // Where `worst` is null there is no figure to change.
  const paths = pathsOf(statement).filter((path) => path.at(-1) !== 'worst');
  return paths.map((path) => {
    const copy = structuredClone(statement);
    let place: Record<string, unknown> = copy as unknown as Record<string, unknown>;
    for (const key of path.slice(0, -1)) place = place[key] as Record<string, unknown>;
    const last = path.at(-1) ?? '';
    place[last] = changed(place[last], last);
    return { path: path.join('.'), statement: copy };
  });
}

function pathsOf(value: unknown): string[][] {
  if (value === null || typeof value !== 'object') return [[]];
  return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]));
}

function changed(value: unknown, key: string): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value === null) return nextDay;
  const text = String(value);
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return '2031-03-04T05:06:07.000Z';
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return nextDay;
  if (/^\d{4}-\d{2}$/.test(text)) return '2031-03';
  return key === 'figure' ? 'unifiedPeople' : `${text}x`;
}

const nextDay = '2031-03-04';
