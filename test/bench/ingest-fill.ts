/**
 * The same events in every form that is measured: on a topic as a producer writes them, on a topic as JSON, on a topic as
 * RowBinary, and as blocks encoded beforehand. Filled once a data directory.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progressBar } from '@tally/cli/progress';
import { createTopics } from '@tally/kafka-topics';
import { type ClickHouse, RowBinaryWriter } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { createKafka, Sender } from '@tally/platform/kafka';
import { CHANNELS, DIRECTIONS, ENTITY_TYPES, encodeRecord, type Interaction, topicNames } from '@tally/schemas';
import { type BenchStack, benchLog } from './bench-stack.ts';
import { type EventPlan, EventSource } from './ingest-events.ts';
import { EVENT_COLUMNS, ingestSelect } from './ingest-tables.ts';
import { stage } from './stage.ts';

export interface Filled extends EventPlan {
  /** In front of the topics that the consumer reads. */
  topicPrefix: string;
  avro: string;
  json: string;
  rowBinary: string;
  distinct: number;
  /** Mean bytes of one message's key and value. */
  bytes: { avro: number; json: number; rowBinary: number };
  /** Files with encoded rows of table `ingest`. */
  blocks: { native: string[]; rowBinary: string[] };
}

const DATABASE = 'ingest_input';
/** kafkajs copies a partition's list for each message that it adds: short lists are faster. */
const CHUNK_EVENTS = 2_000;
const INSERT_EVENTS = 100_000;
const DELIVERY_TIMEOUT_MS = 300_000;
const ROW_BYTES_EXPECTED = 256;
const BLOCK_EVENTS = 100_000;

/**
 * Fills the stack, or finds it filled.
 * @param twins false: the topic that the consumer reads is all that is needed
 */
export async function fillIngest(bench: BenchStack, plan: EventPlan, { twins = true } = {}): Promise<Filled> {
  const name = `p${plan.partitions}_${plan.events}_${plan.times}`;
  const noteOf = (which: string): string => join(bench.dataDir, `ingest-${which}.json`);
  const note = noteOf(twins ? name : `${name}_alone`);
  const found = [noteOf(name), note].find((file) => existsSync(file));
  if (found !== undefined) return JSON.parse(readFileSync(found, 'utf8')) as Filled;
  stage(`filling ${twins ? 'three topics' : 'a topic'} of ${plan.partitions} partitions with ${plan.events} events`);
  // New topics each time: an earlier filling may have been cut off.
  const topicPrefix = `ingest-${name}-${Date.now().toString(36)}-`;
  const topics = topicNames(topicPrefix);
  const filled: Filled = {
    ...plan,
    topicPrefix,
    avro: topics.interactions,
    json: `${topicPrefix}json`,
    rowBinary: `${topicPrefix}row-binary`,
    distinct: 0,
    bytes: { avro: 0, json: 0, rowBinary: 0 },
    blocks: { native: [], rowBinary: [] },
  };
  const { partitions } = plan;
  const twin = { partitions, replicationFactor: 1, settings: {} };
  await createTopics(bench.admin, { topics, partitions, replicationFactor: 1 });
  if (!twins) {
    await writeTopics(bench, new EventSource(plan), filled, null);
    await checkFilled(bench, filled.avro, plan.events);
    writeFileSync(note, JSON.stringify(filled));
    return filled;
  }
  await bench.admin.createTopics([
    { topic: filled.json, ...twin },
    { topic: filled.rowBinary, ...twin },
  ]);
  const table = `${DATABASE}.${name}`;
  await prepareTable(bench.clickhouse, table);
  await writeTopics(bench, new EventSource(plan), filled, table);
  for (const topic of [filled.avro, filled.json, filled.rowBinary]) await checkFilled(bench, topic, plan.events);
  stage('encoding blocks');
  const blockDir = join(bench.dataDir, `ingest-${name}-blocks`);
  mkdirSync(blockDir, { recursive: true });
  filled.blocks.native = await writeBlocks(bench, filled, { table, format: 'Native', dir: blockDir });
  filled.blocks.rowBinary = await writeBlocks(bench, filled, { table, format: 'RowBinary', dir: blockDir });
  await bench.clickhouse.command(`DROP TABLE ${table} SYNC`);
  writeFileSync(note, JSON.stringify(filled));
  return filled;
}

async function prepareTable(clickhouse: ClickHouse, table: string): Promise<void> {
  await clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${DATABASE}`);
  await clickhouse.command(`DROP TABLE IF EXISTS ${table} SYNC`);
  await clickhouse.command(
    `CREATE TABLE ${table} (n UInt64, _partition UInt64, _offset UInt64, repeated UInt8, ${EVENT_COLUMNS})
     ENGINE = MergeTree ORDER BY n`,
  );
}

/**
 * One chunk after the other, to all topics at once; offsets follow from the order, since the topics are new.
 * @param table for the rows that blocks are made of; null: no blocks and no twins
 */
async function writeTopics(
  bench: BenchStack,
  source: EventSource,
  filled: Filled,
  table: string | null,
): Promise<void> {
  const { events, partitions } = source.plan;
  const kafka = createKafka({ brokers: [bench.stack.kafka], clientId: 'tally-bench-fill', log: benchLog });
  // Each with sequence numbers of its own: what is sent again is in the log once.
  const sender = (): Sender => new Sender({ kafka, log: benchLog, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  const senders = { avro: sender(), json: sender(), rowBinary: sender() };
  const offsets = new Array<number>(partitions).fill(0);
  const bytes = { avro: 0, json: 0, rowBinary: 0 };
  const bar = progressBar('filled', events, 'events');
  const emptyRows = (): RowBinaryWriter => new RowBinaryWriter(INSERT_EVENTS * ROW_BYTES_EXPECTED);
  const forms = table === null ? (['avro'] as const) : (['avro', 'json', 'rowBinary'] as const);
  let rows = table === null ? null : emptyRows();
  let sending: Promise<unknown> = Promise.resolve();
  let inserting: Promise<unknown> = Promise.resolve();
  for (let first = 0; first < events; first += CHUNK_EVENTS) {
    const chunk = encodeChunk(source, { first, until: Math.min(first + CHUNK_EVENTS, events) }, offsets, rows);
    filled.distinct += chunk.distinct;
    for (const form of forms) bytes[form] += bytesOf(chunk[form]);
    await sending;
    sending = Promise.all(
      forms.map((form) => senders[form].send(chunk[form].map((record) => ({ ...record, topic: filled[form] })))),
    );
    const done = Math.min(first + CHUNK_EVENTS, events);
    bar.update(done);
    if (table === null || !rows || (done % INSERT_EVENTS !== 0 && done < events)) continue;
    await inserting;
    inserting = bench.clickhouse.insertRowBinary(table, columnNames(), rows.bytes());
    rows = emptyRows();
  }
  await Promise.all([sending, inserting]);
  bar.finish(events);
  bar.stop();
  for (const one of Object.values(senders)) await one.close();
  const mean = (sum: number): number => Math.round(sum / events);
  filled.bytes = { avro: mean(bytes.avro), json: mean(bytes.json), rowBinary: mean(bytes.rowBinary) };
}

/** More, or fewer, and offsets would be elsewhere than the blocks have them. */
async function checkFilled({ admin }: BenchStack, topic: string, events: number): Promise<void> {
  const records = (await admin.extents(topic)).reduce((sum, { start, end }) => sum + Number(end - start), 0);
  if (records === events) return;
  throw new TallyError(`${topic} has ${records} records instead of ${events}`, {
    code: 'BENCH_FILL',
    retriable: false,
  });
}

interface Outgoing {
  key: Buffer;
  partition: number;
  value: Buffer;
}

/** Moves `offsets` on, and appends to `rows`, if there are to be twins, what a table needs of each event besides. */
function encodeChunk(
  source: EventSource,
  { first, until }: { first: number; until: number },
  offsets: number[],
  rows: RowBinaryWriter | null,
): { avro: Outgoing[]; json: Outgoing[]; rowBinary: Outgoing[]; distinct: number } {
  const avro: Outgoing[] = [];
  const json: Outgoing[] = [];
  const extents: { key: Buffer; partition: number; from: number; to: number }[] = [];
  let distinct = 0;
  for (let n = first; n < until; n++) {
    const { key, partition, value, repeated } = source.at(n);
    const offset = offsets[partition] ?? 0;
    offsets[partition] = offset + 1;
    if (!repeated) distinct++;
    avro.push({ key, partition, value: encodeRecord({ schema: 'Interaction', value }) });
    if (!rows) continue;
    rows.int64(n);
    rows.int64(partition);
    rows.int64(offset);
    rows.int8(repeated ? 1 : 0);
    const from = rows.bytes().length;
    writeEvent(rows, value);
    extents.push({ key, partition, from, to: rows.bytes().length });
    json.push({ key, partition, value: Buffer.from(JSON.stringify(value)) });
  }
  const bytes = rows?.bytes() ?? Buffer.alloc(0);
  const rowBinary = extents.map(({ key, partition, from, to }) => ({
    key,
    partition,
    value: bytes.subarray(from, to),
  }));
  return { avro, json, rowBinary, distinct };
}

function bytesOf(messages: readonly Outgoing[]): number {
  return messages.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

function columnNames(): string[] {
  return [
    'n',
    '_partition',
    '_offset',
    'repeated',
    ...EVENT_COLUMNS.split(',\n').map((c) => c.trim().split(' ', 1)[0] ?? ''),
  ];
}

/** Columns as EVENT_COLUMNS has them. */
function writeEvent(to: RowBinaryWriter, value: Interaction): void {
  to.string(value.eventId);
  to.string(value.tenantId);
  to.string(value.environmentId);
  to.int8(ENTITY_TYPES.indexOf(value.entityType));
  to.string(value.entityId);
  to.int8(CHANNELS.indexOf(value.channel));
  to.int8(DIRECTIONS.indexOf(value.direction));
  to.int64(value.occurredAt);
  to.string(value.journeyId ?? '');
  to.string(value.provider ?? '');
}

async function writeBlocks(
  bench: BenchStack,
  { events }: Filled,
  { table, format, dir }: { table: string; format: string; dir: string },
): Promise<string[]> {
  const files: string[] = [];
  for (let first = 0; first < events; first += BLOCK_EVENTS) {
    const select = ingestSelect("if(repeated, 'duplicate', 'counted')");
    const query = `${select} FROM ${table} WHERE n >= ${first} AND n < ${first + BLOCK_EVENTS} ORDER BY n
      SETTINGS max_block_size = ${BLOCK_EVENTS} FORMAT ${format}`;
    const answer = await fetch(bench.stack.clickhouseUrl, { method: 'POST', body: query });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new TallyError(bytes.toString(), { code: 'BENCH_FILL', retriable: false });
    const file = join(dir, `${format}-${String(first).padStart(10, '0')}`);
    writeFileSync(file, bytes);
    files.push(file);
  }
  return files;
}
