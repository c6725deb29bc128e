/**
 * An instance of `tally up` that is filled, stopped, lost and brought back, and everything that can be held against what
 * it was before.
 */
import { once } from 'node:events';
import { databaseOf } from '@tally/cli/instance';
import { allFigures, ledger } from '@tally/figures';
import { ClickHouse } from '@tally/platform/clickhouse';
import { createKafka, KafkaAdmin } from '@tally/platform/kafka';
import { createLog } from '@tally/platform/log';
import { topicNames } from '@tally/schemas';
import { expect } from 'vitest';
import { eventually } from '../support/system.ts';
import { type ReadyLine, tally, tallyUp } from '../support/tally-command.ts';

const CAUGHT_UP_MS_MAX = 120_000;
const GROUP = 'tally';
const PARTITIONS = '4';

/** What must be the same again, by name. */
export type Held = ReadonlyMap<string, string>;

export class DrillInstance {
  readonly dataDir: string;
  #up: Awaited<ReturnType<typeof tallyUp>> | undefined;
  #clickhouse: ClickHouse | undefined;
  #admin: KafkaAdmin | undefined;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  /** @param more options of `tally up` */
  async start(...more: string[]): Promise<void> {
    this.#up = await tallyUp(this.dataDir, '--partitions', PARTITIONS, ...more);
    const { kafka } = this.#up.ready;
    this.#clickhouse = new ClickHouse(databaseOf(this.#up.ready));
    const log = createLog('drill', 'silent');
    this.#admin = new KafkaAdmin(createKafka({ brokers: [kafka], clientId: 'drill', log }));
  }

  async stop(): Promise<void> {
    await this.#admin?.close();
    await this.#clickhouse?.close();
    const child = this.#up?.child;
    if (child?.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    this.#up = undefined;
  }

  get clickhouse(): ClickHouse {
    if (!this.#clickhouse) throw new Error('the instance was not started');
    return this.#clickhouse;
  }

  get admin(): KafkaAdmin {
    if (!this.#admin) throw new Error('the instance was not started');
    return this.#admin;
  }

  /** Where everything is. */
  get ready(): ReadyLine {
    if (!this.#up) throw new Error('the instance was not started');
    return this.#up.ready;
  }

  /** Sends a signal to the consumers. */
  signalConsumers(signal: NodeJS.Signals): void {
    for (const pid of this.#up?.ready.pids['consumer'] ?? []) process.kill(pid, signal);
  }

  /** A command on this instance, which must end well. Returns what it printed. */
  async run(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await tally(...args, '--data', this.dataDir);
    expect(exitCode, stderr + stdout).toBe(0);
    return stdout;
  }

  async caughtUp(): Promise<void> {
    const { interactions, profiles } = topicNames();
    await eventually(async () => {
      for (const topic of [interactions, profiles]) {
        const committed = await this.admin.committed(GROUP, topic);
        for (const { partition, start, end } of await this.admin.extents(topic)) {
          if (end > start) expect(committed.get(partition)).toBe(end);
        }
      }
    }, CAUGHT_UP_MS_MAX);
  }

  async ledger(): ReturnType<typeof ledger> {
    const { interactions, profiles } = topicNames();
    const { clickhouse, admin } = this;
    return ledger({ clickhouse, admin, groupId: GROUP, topics: [interactions, profiles], clock: Date.now });
  }

  /** Every figure of every tenant, and what is behind them day by day and entity by entity. */
  async held(): Promise<Held> {
    const held = new Map<string, string>(await allFigures(this.clickhouse, Date.now()));
    const days = await this.clickhouse.query<{ name: string; content: string }>(
      `SELECT concat(tenant_id, ' on ', toString(day), ' by ', toString(channel)) AS name, toString(uniqExact(event_key)) AS content
       FROM interactions GROUP BY tenant_id, day, channel`,
    );
    const entities = await this.clickhouse.query<{ name: string; content: string }>(
      `SELECT concat('entities of ', tenant_id, ' in ', toString(month)) AS name, toString(sum(cityHash64(own))) AS content
       FROM (
         SELECT tenant_id, month, (environment_id, entity_type, entity_key, channel, direction, groupBitOr(days)) AS own
         FROM entity_months GROUP BY tenant_id, month, environment_id, entity_type, entity_key, channel, direction
       ) GROUP BY tenant_id, month`,
    );
    for (const { name, content } of [...days, ...entities]) held.set(name, content);
    return held;
  }

  /** What people decided, told or issued, table by table, row by row. */
  async decided(): Promise<Held> {
    const held = new Map<string, string>();
    for (const table of ['licences', 'counting_policies', 'api_keys', 'statements', 'erasures']) {
      const { content } = await this.clickhouse.queryOne<{ content: string }>(
        `SELECT concat(toString(count()), ' ', toString(sum(cityHash64(*)))) AS content FROM ${table} FINAL`.replace(
          table === 'statements' || table === 'erasures' ? '' : ' FINAL',
          '',
        ),
      );
      held.set(table, content);
    }
    return held;
  }
}
