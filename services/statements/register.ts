/**
 * Where statements are issued: a topic of one partition, kept for ever. ClickHouse cannot decide which of two writers was
 * first; the topic can, and every reader of it comes to the same decision. What holds is then stored in ClickHouse, by
 * whoever reads it first.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { type KafkaAdmin, type OutgoingRecord, readTopic, type Sender } from '@tally/platform/kafka';
import { Chains } from './chain.ts';
import { digestOf, statementOf, textOf } from './digest.ts';
import type { Statement } from './document.ts';
import { type PlacedStatement, storedStatements, storedUpTo, storeStatements } from './stored.ts';

export interface RegisterOptions {
  kafka: Parameters<typeof readTopic>[0]['kafka'];
  admin: KafkaAdmin;
  sender: Pick<Sender, 'send'>;
  clickhouse: ClickHouse;
  /** Of the statements. */
  topic: string;
}

/** A statement stays well below the topic's largest record. */
const STATEMENT_BYTES_MAX = 512 * 1024;

export class StatementRegister {
  readonly #options: RegisterOptions;

  constructor(options: RegisterOptions) {
    this.#options = options;
  }

  /**
   * Proposes statements, and waits until it is decided which hold. Those that do not were overtaken by another writer's;
   * what holds instead is stored then. Throws `STATEMENT_TOO_LARGE`, and `KAFKA_UNAVAILABLE` when Kafka is away: what was
   * proposed may hold all the same, and the next proposal finds out.
   */
  async propose(statements: readonly Statement[]): Promise<void> {
    await this.#options.sender.send(statements.map((statement) => recordOf(this.#options.topic, statement)));
    await this.settle();
  }

  /** Stores what the topic holds and ClickHouse does not. */
  async settle(): Promise<void> {
    const { clickhouse } = this.#options;
    const from = await storedUpTo(clickhouse);
    const proposed: PlacedStatement[] = [];
    await this.read(from, (one) => proposed.push(one));
    if (proposed.length === 0) return;
    const tenants = [...new Set(proposed.map(({ statement }) => statement.tenantId))];
    const chains = new Chains();
    const stored = await storedStatements(clickhouse, tenants);
    for (const own of stored.values()) for (const statement of own) chains.follow(statement);
    await storeStatements(
      clickhouse,
      proposed.filter(({ statement }) => chains.follow(statement)),
    );
  }

  /**
   * Every statement of the topic from an offset on, also those that do not hold. A record that is no statement, or that
   * was changed, is none.
   * @param from where the topic ends before it, it was made anew, and is read from its start
   */
  async read(from: bigint, visit: (statement: PlacedStatement) => void): Promise<void> {
    const { kafka, admin, topic } = this.#options;
    const [extent] = await admin.extents(topic);
    const begins = extent && extent.end >= from ? from : 0n;
    await readTopic(
      { kafka, admin },
      topic,
      ({ offset, value }) => {
        const statement = value ? readable(value.toString('utf8')) : undefined;
        if (statement) visit({ offset, statement });
      },
      new Map([[0, begins]]),
    );
  }
}

function readable(text: string): Statement | undefined {
  try {
    const statement = statementOf(text);
    return digestOf(JSON.parse(text) as Statement) === statement.digest ? statement : undefined;
  } catch (error) {
    if (error instanceof TallyError && error.code === 'STATEMENT_UNREADABLE') return undefined;
    throw error;
  }
}

function recordOf(topic: string, statement: Statement): OutgoingRecord {
  const value = Buffer.from(textOf(statement));
  if (value.length > STATEMENT_BYTES_MAX) {
    const message = `the statement of ${statement.tenantId} for ${statement.month} has ${value.length} bytes, at most ${STATEMENT_BYTES_MAX} are kept`;
    throw new TallyError(message, { code: 'STATEMENT_TOO_LARGE', retriable: false });
  }
  return { topic, key: Buffer.from(statement.tenantId), value };
}
