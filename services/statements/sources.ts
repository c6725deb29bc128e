/**
 * What issuing statements needs, put together from a service's connections.
 */
import { committedPositions, type Positions } from '@tally/figures';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { type createKafka, type KafkaAdmin, Sender } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import type { Topics } from '@tally/schemas';
import { StatementRegister } from './register.ts';

export interface StatementSources {
  clickhouse: ClickHouse;
  register: StatementRegister;
  admin: KafkaAdmin;
  /** The committed offsets: everything before them is written. */
  positions: () => Promise<Positions>;
  topics: Pick<Topics, 'interactions' | 'profiles'>;
  /** Days after a month's end on which it cannot be stated yet. */
  graceDays: number;
  clock: () => number;
}

export interface StatementOptions {
  kafka: ReturnType<typeof createKafka>;
  admin: KafkaAdmin;
  clickhouse: ClickHouse;
  topics: Topics;
  /** The consumers' group. */
  groupId: string;
  graceDays: number;
  clock: () => number;
  log: Logger;
}

const DELIVERY_TIMEOUT_MS = 10_000;

/** Connects when the first statement is issued. `close` waits for what is being sent. */
export function statementSources(options: StatementOptions): StatementSources & { close: () => Promise<void> } {
  const { kafka, admin, clickhouse, topics, groupId, graceDays, clock, log } = options;
  const sender = new Sender({ kafka, log, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  return {
    clickhouse,
    register: new StatementRegister({ kafka, admin, sender, clickhouse, topic: topics.statements }),
    admin,
    positions: () => committedPositions(admin, { groupId, topics: [topics.interactions, topics.profiles] }),
    topics,
    graceDays,
    clock,
    close: () => sender.close(),
  };
}
