/**
 * Everything the doctor can find, by its code, with the line that says what to do. Each has a section of its own in
 * docs/runbooks.md (a test holds the two against each other).
 */
export const DOCTOR_CODES = {
  NODE_OLD: 'run Tally through `npx tally`, which brings the Node it was tested with',
  SETTINGS_INVALID: 'set the variable as its message says, then start the service again',
  SECRET_EXAMPLE: 'replace it with `openssl rand -base64 32`; the identifier secret only before the first profile came',
  SECRET_SHORT: 'replace it with `openssl rand -base64 32`; the identifier secret only before the first profile came',
  SECRETS_READABLE: '`chmod 600` the file: whoever reads it is an administrator',

  KAFKA_UNREACHABLE: 'start Kafka, or put TALLY_KAFKA right',
  KAFKA_AUTHENTICATION: 'put the user and the password for Kafka right',
  KAFKA_TLS: 'let Tally trust the authority of the brokers’ certificates, and name brokers as the certificates do',
  KAFKA_OLD: 'upgrade the brokers to Kafka 4.0 or newer',
  TOPIC_MISSING: 'if it never was there: `tally migrate`. If it was deleted, its records are lost: read on before',
  TOPIC_TIMESTAMP_TYPE: 'set message.timestamp.type=LogAppendTime on the topic',
  TOPIC_CLEANUP_POLICY: 'set cleanup.policy=delete on the topic, at once: compaction deletes events',
  TOPIC_RETENTION: 'raise retention.ms on the topic, at once: what expires unread is lost',
  TOPIC_MESSAGE_BYTES: 'raise max.message.bytes on the topic',
  TOPIC_COPIES: 'with three brokers or more, give the topic three replicas and min.insync.replicas=2',
  TOPIC_UNDER_REPLICATED: 'find out which broker is away, and start it',
  TOPIC_OFFLINE: 'start the brokers that have the partition; nothing can be written to it or read from it',

  CLICKHOUSE_UNREACHABLE: 'start ClickHouse, or put TALLY_CLICKHOUSE_URL right',
  CLICKHOUSE_CREDENTIALS: 'put TALLY_CLICKHOUSE_USER and TALLY_CLICKHOUSE_PASSWORD right',
  CLICKHOUSE_OLD: 'upgrade ClickHouse to 26.7 or newer, with which Tally was tested',
  SHARD_UNREACHABLE: 'start that server, or put TALLY_CLICKHOUSE_SHARDS right',
  DATABASE_MISSING: '`tally migrate` makes it; if it was there before: `tally restore`',
  RESTORE_UNFINISHED: 'run the same `tally restore` again: it begins anew',
  COPY_UNFINISHED: 'run the same `tally reshard` again: it goes on',
  SHARDS_DIFFER: 'name all servers in TALLY_CLICKHOUSE_SHARDS, in the order in which the database was made',
  SHARD_LOST: 'bring the server’s disk back; if it is gone: `tally restore`, or `tally rebuild --database NAME`',
  CLUSTER_DIFFERS: 'put <remote_servers> right on every server: the same servers, in the order of the list',
  SHARD_BEHIND: 'stop the consumers, then apply the migration that adds the columns once more, as the runbook says',
  PARTITIONS_AND_SHARDS: 'add partitions up to a multiple of the shards, then `tally log open`',
  MIGRATION_MISSING: '`tally migrate`',
  MIGRATION_CHANGED: 'install the version of Tally that applied it, or a released one: applied files never change',
  MIGRATION_NEWER: 'install the newer version of Tally, on this machine too',
  TABLE_MISSING: '`tally restore` from a backup, or `tally rebuild --database NAME` from the log',
  VIEW_MISSING: 'stop the consumers, create the view again from its file in infra/clickhouse, then `tally replay`',
  DURABILITY_SETTINGS: 'set it back: `ALTER TABLE … MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1`',
  KEY_SCHEME_DIFFERS: '`tally rebuild --database NAME`, then run on it',
  PARTS_TOO_MANY: 'see whether merges keep up, and what inserts many small batches; do not restart ClickHouse',

  LOG_NOT_OPEN: '`tally migrate`',
  LOG_OTHER_CLUSTER: '`tally log open --topic TOPIC --because REASON`, if the cluster was meant to change',
  LOG_PARTITIONS_CHANGED: '`tally log open --topic TOPIC --because REASON`',
  LOG_RECREATED: '`tally log open --topic TOPIC --because REASON`',
  LOG_REPLACED: '`tally log open --topic TOPIC --afresh --because REASON`',
  LOG_EXPIRED: '`tally log open --topic TOPIC --because REASON`; it says how many records are lost',
  OFFSETS_SKIPPED: '`tally log rewind --topic TOPIC`',

  CONSUMER_ABSENT: 'start the consumers; their log says why they stopped, a frozen one has to be ended first',
  CONSUMER_STUCK: 'read the consumers’ log: it names the step that fails and is tried again',
  LOG_EXPIRING: 'make the topic’s retention.ms longer now, then see why the consumers are behind',
  LEDGER_UNBALANCED: '`tally ledger --verify` names each position; issue no statements before it is clear',
  DEAD_LETTERS_GROWING:
    '`tally dead-letters list` says why, and of which sender; it has each once, also one that came twice',
  AGGREGATOR_NEVER_RAN: 'start the aggregator; its log says why it does not run',
  AGGREGATOR_STALE: 'see `tally runs`: did it stop, or does it fail?',
  AGGREGATOR_TENANTS_FAILED: '`tally runs` names the tenants and why; the next run tries again',
  STATEMENTS_OVERDUE: '`tally runs` says why the job did not issue them; `tally statement issue-all` issues by hand',
  NOTIFIER_SILENT: 'start the notifier: nobody is told of any alert meanwhile',
  ALERTS_WAITING: '`tally alerts targets show` has the receivers, `tally alerts test TARGET` what one answers',
  ALERTS_GIVEN_UP: 'tell by hand what `tally alerts list` shows, and mend the receiver',
  DISK_LOW: 'make room: writes are refused when it is full, and nothing is lost by that but time',
  CLOCK_SKEW: 'let all machines take their time from one source (NTP)',
} as const;

export type DoctorCode = keyof typeof DOCTOR_CODES;

/** Where a code is explained. */
export function runbookOf(code: DoctorCode): string {
  return `docs/runbooks.md#${code.toLowerCase()}`;
}
