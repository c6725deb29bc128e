/**
 * Twelve months in the height of a line, the last of which is not over.
 */
import type { ReactNode } from 'react';
import { words } from '../words/words.ts';

const WIDTH = 120;
const HEIGHT = 28;
const GAP = 2;

export function Sparkline({ months }: { months: readonly { month: string; total: number }[] }): ReactNode {
  const highest = Math.max(1, ...months.map(({ total }) => total));
  const step = WIDTH / Math.max(1, months.length);
  const first = months[0];
  const last = months.at(-1);
  const label =
    first && last
      ? `Interactions from ${words.month(first.month)} (${words.count(first.total)}) to ${words.month(last.month)} so far (${words.count(last.total)}), highest month ${words.count(highest)}`
      : 'No interactions yet';
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {months.map(({ month, total }, index) => {
        const height = total === 0 ? 1 : Math.max(2, (total / highest) * HEIGHT);
        const isNow = index === months.length - 1;
        const place = { x: index * step + GAP / 2, y: HEIGHT - height, width: step - GAP, height };
        return (
          <rect key={month} className={isNow ? 'now' : undefined} rx="1" {...place}>
            <title>{`${words.month(month)}: ${words.count(total)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
