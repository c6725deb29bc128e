/**
 * Each safety step of the consumer, and how to break it: text that must stand in a file, and what stands there instead.
 */
export interface Mutation {
  name: string;
  /** What would go wrong in the world. */
  harm: string;
  edits: { file: string; from: string; to: string }[];
  /** Suites of which at least one must fail, as vitest filters. */
  suites: { project: 'unit' | 'system'; filter: string }[];
}

const repetitions = { project: 'system', filter: 'test/pipeline/first-occurrence' } as const;
const rules = { project: 'unit', filter: 'services/consumer/first-occurrence' } as const;

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'commit before insert',
    harm: 'a crash in between loses the batch',
    edits: [
      {
        file: 'services/consumer/ingest.ts',
        from: 'decideRows(events, known, surelyNew);',
        to: `decideRows(events, known, surelyNew);
    await commit(group.handled);`,
      },
    ],
    suites: [repetitions],
  },
  {
    name: 'ignore the index',
    harm: 'a repetition in a later batch counts again',
    edits: [
      {
        file: 'services/consumer/event-index.ts',
        from: 'return readAnswer(answer);',
        to: 'return answer.length < 0 ? readAnswer(answer) : new Map();',
      },
    ],
    suites: [repetitions],
  },
  {
    name: 'drop the own-position rule',
    harm: 'a batch that comes again after a crash is taken for duplicates of itself',
    edits: [
      {
        file: 'services/consumer/first-occurrence.ts',
        from: 'if (first && first.position < event.position) {',
        to: 'if (first && first.position <= event.position) {',
      },
    ],
    suites: [rules, repetitions],
  },
  {
    name: 'drop repeats inside a batch',
    harm: 'two sends of one event in one batch both count',
    edits: [
      {
        file: 'services/consumer/first-occurrence.ts',
        from: 'known.set(name, entry);',
        to: 'known.delete(name);',
      },
    ],
    suites: [rules],
  },
  {
    name: 'retry with insert_deduplicate=1',
    harm: 'ClickHouse may swallow a retry whose views had not all been written',
    edits: [
      {
        file: 'services/platform/clickhouse/settings.ts',
        from: 'insert_deduplicate: 0,',
        to: 'insert_deduplicate: 1,',
      },
    ],
    suites: [repetitions],
  },
  {
    name: 'skip dead letters',
    harm: 'what cannot count disappears',
    edits: [
      {
        file: 'services/consumer/ingest.ts',
        from: "await this.#timed('dead-letters', () => sender.send(deadLetters), trace);",
        to: "await this.#timed('dead-letters', () => sender.send(deadLetters.slice(0, 0)), trace);",
      },
    ],
    suites: [{ project: 'system', filter: 'test/pipeline/dead-letters' }],
  },
  {
    name: 'count what is on the wrong partition',
    harm: 'a repetition on another partition counts again',
    edits: [
      {
        file: 'services/consumer/decode.ts',
        from: 'if (expected === partition) return undefined;',
        to: 'if (expected >= 0) return undefined;',
      },
      {
        file: 'services/consumer/interaction-reader.ts',
        from: ' || partitionOf(key, place.partitions) !== place.partition) return false;',
        to: ') return partitionOf(key, place.partitions) < 0;',
      },
    ],
    suites: [{ project: 'system', filter: 'test/pipeline/dead-letters' }],
  },
  {
    name: 'let a resend of a voided event count',
    harm: 'what was taken back is billed',
    edits: [
      {
        file: 'services/consumer/first-occurrence.ts',
        from: 'const suppressed = entry.void !== undefined && entry.void.position < event.position;',
        to: 'const suppressed = entry.void !== undefined && entry.void.position < 0n;',
      },
    ],
    suites: [rules],
  },
  {
    name: 'call a filter whole before the index was read',
    harm: 'a repetition of what was counted before the start counts again',
    edits: [{ file: 'services/consumer/key-filters.ts', from: 'await this.#readIndex(shard, begun);', to: '' }],
    suites: [{ project: 'system', filter: 'services/consumer/key-filters' }],
  },
  {
    name: 'keep a filter though others have read on',
    harm: 'a repetition of what others counted meanwhile counts again',
    edits: [
      {
        file: 'services/consumer/key-filters.ts',
        from: 'if (this.#guarded.has(partition) && !othersReadOn) return;',
        to: 'if (this.#guarded.has(partition)) return;',
      },
    ],
    suites: [{ project: 'system', filter: 'services/consumer/key-filters' }],
  },
  {
    name: 'do not check the log',
    harm: 'a recreated topic is counted into the old positions',
    edits: [
      {
        file: 'services/consumer/check-logs.ts',
        from: 'for (const log of Object.values(checks.logs)) await checkLog(log, checks);',
        to: '',
      },
    ],
    suites: [{ project: 'system', filter: 'test/pipeline/log-life' }],
  },
];
