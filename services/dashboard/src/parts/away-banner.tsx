/**
 * Says that nothing answers, and from when the figures are that are still shown.
 */
import type { ReactNode } from 'react';
import { useAway } from '../api/queries.ts';
import { words } from '../words/words.ts';

export function AwayBanner(): ReactNode {
  const since = useAway();
  return (
    <div role="status" className="away-place">
      {since !== null && (
        <p className="away">
          <strong>Tally does not answer.</strong>{' '}
          {since > 0 ? `You see the figures of ${words.clock(since)}.` : 'There are no figures to show yet.'} Trying
          again every few seconds.
        </p>
      )}
    </div>
  );
}
