/**
 * What the dashboard asks of the api when a tenant's page is opened (services/dashboard/src/tenant), and whose page it is.
 * A test of the dashboard in its browser holds this list against what the page really asks.
 */
import { addMonths, type Day } from '@tally/metering';
import { tenantOf } from '../scale/history.ts';

export interface PageCall {
  name: string;
  path: string;
}

/** @param licenceYear first day of the licence year that `today` is in; without one there is no true-up to ask for */
export function tenantPageCalls(tenantId: string, today: Day, licenceYear: Day | null): PageCall[] {
  const base = `/v1/tenants/${encodeURIComponent(tenantId)}`;
  const year = `from=${addMonths(today, -12)}&to=${today}`;
  const calls = [
    { name: 'quota', path: `${base}/quota` },
    { name: 'licences', path: `${base}/licences?history=true` },
    { name: 'alerts', path: `${base}/alerts?limit=20` },
    { name: 'interactions', path: `${base}/interactions` },
    { name: 'engaged curve', path: `${base}/engaged/curve?${year}` },
    { name: 'unified history', path: `${base}/unified/history?${year}` },
    { name: 'statements', path: `${base}/statements` },
  ];
  return licenceYear === null
    ? calls
    : [...calls, { name: 'true-up', path: `${base}/true-up?licenceYear=${licenceYear}` }];
}

/** Tenants by Zipf's law, as their sizes are: the one of rank r is looked at 1/r as often as the first. */
export function zipfTenants(tenants: number, chance: () => number): () => string {
  const upTo: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= tenants; rank++) {
    sum += 1 / rank;
    upTo.push(sum);
  }
  return () => {
    const at = chance() * sum;
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    return tenantOf(low + 1);
  };
}
