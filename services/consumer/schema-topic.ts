/**
 * The topic of announced schemas, as far as it was read. A record of a version that is not known here is judged only after
 * the topic was read to its end: whoever wrote the record had announced the version before, acknowledged by the broker.
 */
import { TallyError } from '@tally/platform/errors';
import { type KafkaAdmin, readTopic } from '@tally/platform/kafka';
import type { Logger } from '@tally/platform/log';
import { AnnouncedSchemas, type NewerVersions, type SchemaVersion } from '@tally/schemas';

export interface SchemaTopicOptions {
  kafka: Parameters<typeof readTopic>[0]['kafka'];
  admin: KafkaAdmin;
  topic: string;
  log?: Logger;
}

/** Everything announced by now. Throws a retriable TallyError while Kafka cannot say. */
export async function readSchemaTopic(options: SchemaTopicOptions): Promise<SchemaTopic> {
  const topic = new SchemaTopic(options);
  await topic.refresh();
  return topic;
}

export class SchemaTopic implements NewerVersions {
  readonly #options: SchemaTopicOptions;
  readonly #announced = new AnnouncedSchemas();
  #next = 0n;
  #reading: Promise<void> | undefined;

  constructor(options: SchemaTopicOptions) {
    this.#options = options;
  }

  find(fingerprint: string): SchemaVersion | string | undefined {
    return this.#announced.find(fingerprint);
  }

  /** Takes in what was announced before the call. Throws a retriable TallyError while Kafka cannot say. */
  async refresh(): Promise<void> {
    // One that is under way may have looked for the topic's end before the record at hand was written.
    const before = this.#reading;
    const reading = (before ? before.catch(() => undefined) : Promise.resolve()).then(() => this.#readOn());
    this.#reading = reading;
    await reading;
  }

  async #readOn(): Promise<void> {
    const { topic, log } = this.#options;
    const end = await this.#end();
    if (end <= this.#next) return;
    await readTopic(
      this.#options,
      topic,
      ({ offset, key, value }) => {
        const fault = this.#announced.add(key, value);
        if (fault !== undefined)
          log?.warn({ topic, offset: String(offset), fault }, 'an announced schema cannot be read');
        else log?.info({ topic, offset: String(offset), fingerprint: String(key) }, 'learnt an announced schema');
      },
      new Map([[0, this.#next]]),
    );
    this.#next = end;
  }

  async #end(): Promise<bigint> {
    try {
      const [extent] = await this.#options.admin.extents(this.#options.topic);
      return extent?.end ?? 0n;
    } catch (error) {
      // Made by `tally migrate` of this version; before that, nobody can have announced anything.
      if (error instanceof TallyError && error.code === 'TOPIC_MISSING') return 0n;
      throw error;
    }
  }
}
