/**
 * Licence lines of an answer as the rules take them.
 */
import type { LicenceLine } from '@tally/metering';
import type { LicencesAnswer } from '../api/answers.ts';

export function licenceLines(lines: LicencesAnswer['licences']): LicenceLine[] {
  return lines.map(({ packSize, ...line }) => (packSize === undefined ? line : { ...line, packSize }));
}
