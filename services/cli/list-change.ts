/**
 * Changes of lists that are replaced as a whole, and how they are refused.
 */
import type { FaultsAnswer } from '@tally/contract';
import { TallyError } from '@tally/platform/errors';

type Faults = FaultsAnswer['faults'];

/** A change of a list; `replaces` is the version it was made from, null for none. */
export interface ListChange {
  lines: readonly object[];
  because: string;
  by: string;
  replaces?: string | null;
}

/** Some lines of a list cannot be; nothing was changed. */
export class LinesRefused extends TallyError {
  readonly faults: Faults;

  constructor(detail: string, faults: Faults) {
    super(detail, { code: 'LINES_REFUSED', retriable: false });
    this.faults = faults;
  }
}
