/**
 * A tenant's trials. An ended trial grants nothing, and stays listed for ever: also when a later list of lines leaves it
 * out. (Rules: "Licences".)
 */
import { type Day, dayOf } from './calendar.ts';
import { productOf } from './catalogue.ts';
import { inForceOn } from './checked-lines.ts';
import type { LicenceLine } from './licence-lines.ts';

export interface LicenceVersion {
  /** Milliseconds since 1970-01-01 UTC. */
  changedAt: number;
  lines: readonly LicenceLine[];
}

export interface Trial extends LicenceLine {
  /** On the day asked about. */
  state: 'to-come' | 'running' | 'ended';
}

/**
 * The trials of the newest version, and those that had already ended when an older version's successor left them out; one
 * that had not was taken back or corrected. By their first day.
 * @param versions newest first
 */
export function trialsOn(versions: readonly LicenceVersion[], on: Day): Trial[] {
  const listed = new Map<string, LicenceLine>();
  for (const [index, { lines }] of versions.entries()) {
    const next = versions[index - 1];
    for (const line of lines) {
      if (!productOf(line.sku)?.trial) continue;
      if (!next || (line.endsOn !== null && line.endsOn <= dayOf(next.changedAt))) listed.set(nameOf(line), line);
    }
  }
  return [...listed.values()]
    .sort((a, b) => (a.startsOn === b.startsOn ? 0 : a.startsOn < b.startsOn ? -1 : 1))
    .map((line) => ({
      ...line,
      state: inForceOn(line, on) ? 'running' : line.startsOn > on ? 'to-come' : 'ended',
    }));
}

/** Lines that say the same are one trial. */
function nameOf({ sku, quantity, packSize, startsOn, endsOn }: LicenceLine): string {
  return JSON.stringify([sku, quantity, packSize, startsOn, endsOn]);
}
