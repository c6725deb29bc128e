/**
 * A counting policy as a condition on the columns `direction` and `channel`.
 */
import type { CountingPolicy } from '@tally/metering';
import type { Params } from '@tally/platform/clickhouse';

export const WHERE_POLICY_COUNTS =
  'has({directions:Array(String)}, toString(direction)) AND has({channels:Array(String)}, toString(channel))';

export function policyParams({ directions, channels }: CountingPolicy): Params {
  return { directions, channels };
}
