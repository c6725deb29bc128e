/**
 * Where each table is on a cluster. On one server all of them are in one database.
 */

/**
 * - `log`: filled from the log, so each shard has a part of it, in the database `NAME_shard`; `NAME` has a `Distributed`
 *   table of the same name over all of them;
 * - `input`: what is inserted into to fill those; on each shard, and nowhere else;
 * - `home`: written by people and by services other than the consumer; whole, in the database `NAME`;
 * - `both`: whole in `NAME`, and whole on each shard, whose views ask it.
 */
export type TableKind = 'log' | 'input' | 'home' | 'both';

export const TABLES: Readonly<Record<string, TableKind>> = {
  logs: 'home',
  ingest: 'input',
  interactions: 'log',
  event_index: 'log',
  daily_interactions: 'log',
  entity_months: 'log',
  voided_interactions: 'log',
  ingest_profiles: 'input',
  profile_records: 'log',
  log_outcomes: 'log',
  activity: 'log',
  aggregator_runs: 'home',
  snapshots: 'home',
  conflicting_interactions: 'log',
  dead_letter_actions: 'home',
  erasures: 'both',
  counting_policies: 'home',
  unification_rules: 'home',
  activity_days: 'log',
  licences: 'home',
  environments: 'home',
  statements: 'home',
  profile_changes: 'log',
  alert_changes: 'home',
  alert_targets: 'home',
  alert_deliveries: 'home',
  alert_rules: 'home',
  alert_acknowledgements: 'home',
  alert_silences: 'home',
  api_keys: 'home',
  api_key_uses: 'home',
  sessions: 'home',
  audit: 'home',
  key_schemes: 'log',
  shards: 'log',
};

/** Tables of a kind. */
export function tablesOf(...kinds: TableKind[]): string[] {
  return Object.keys(TABLES).filter((table) => kinds.some((kind) => kind === TABLES[table]));
}
