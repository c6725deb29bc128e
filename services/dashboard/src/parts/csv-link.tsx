/**
 * The same figures as a file for a spreadsheet.
 */
import type { ReactNode } from 'react';

/** @param path of the api, whose answer is a table too */
export function CsvLink({ path, of }: { path: string; of: string }): ReactNode {
  const href = `${path}${path.includes('?') ? '&' : '?'}format=csv`;
  return (
    <a className="csv" href={href} download>
      CSV<span className="unseen"> of {of}</span>
    </a>
  );
}
