/**
 * The spans of one group of batches. Each sampled record has one, under the span that sent it, from when it is read until
 * its offset is committed. The group has one too, with its steps below it: it is in the trace of the first sampled record,
 * and links to all of them, as they link to it. A group without a sampled record has none.
 */
import { type Attributes, context, type Link, type Span, SpanKind, type SpanOptions, trace } from '@opentelemetry/api';
import type { IncomingBatch, IncomingRecord } from '@tally/platform/kafka';
import { failed, inSpan, type Tracing } from '@tally/platform/tracing';

/** Also of the links that a span may have. */
const RECORD_SPANS_MAX = 128;
/** `00-TRACE-SPAN-FLAGS`: the last digit's lowest bit says that the record is sampled. */
const SAMPLED = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf]$/;

export interface GroupTraceOptions {
  tracing: Tracing;
  /** The consumers' group. */
  groupId: string;
}

export class GroupTrace {
  readonly #options: GroupTraceOptions;
  readonly #records: Span[] = [];
  #group: Span | undefined;
  #count = 0;

  constructor(options: GroupTraceOptions) {
    this.#options = options;
  }

  /**
   * To be told of every batch once it is decoded.
   * @param beganAt milliseconds since 1970-01-01 UTC
   */
  read(batch: IncomingBatch, beganAt: number): void {
    this.#count += batch.records.length;
    let sampled = false;
    for (const record of batch.records) {
      const traceparent = record.headers?.['traceparent'];
      if (traceparent === undefined || this.#records.length >= RECORD_SPANS_MAX) continue;
      if (!SAMPLED.test(String(traceparent))) continue;
      this.#record(batch, record, beganAt);
      sampled = true;
    }
    if (!sampled || !this.#group) return;
    const attributes = placeOf(batch, { 'messaging.batch.message_count': batch.records.length });
    this.#child('decode', { startTime: beganAt, attributes }).end();
  }

  /** A step of the group. */
  async step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (!this.#group) return work();
    const parent = trace.setSpan(context.active(), this.#group);
    return inSpan(this.#options.tracing, name, { parent }, work);
  }

  /** The group is committed, or has failed. */
  end(error?: unknown): void {
    this.#group?.setAttribute('messaging.batch.message_count', this.#count);
    for (const span of this.#group ? [this.#group, ...this.#records] : []) {
      if (error !== undefined) failed(span, error);
      span.end();
    }
  }

  #record(batch: IncomingBatch, record: IncomingRecord, startTime: number): void {
    const { tracing, groupId } = this.#options;
    const carrier = { traceparent: textOf(record, 'traceparent'), tracestate: textOf(record, 'tracestate') };
    const sender = tracing.propagator.extract(context.active(), carrier, {
      keys: Object.keys,
      get: (from: typeof carrier, name) => from[name as keyof typeof carrier],
    });
    const span = tracing.tracer.startSpan(
      `process ${batch.topic}`,
      {
        kind: SpanKind.CONSUMER,
        startTime,
        attributes: placeOf(batch, {
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
          'messaging.consumer.group.name': groupId,
          'messaging.kafka.offset': record.offset,
        }),
      },
      sender,
    );
    this.#records.push(span);
    if (this.#group) {
      this.#group.addLink(linkTo(span));
      span.addLink(linkTo(this.#group));
    } else {
      const own = trace.setSpan(sender, span);
      this.#group = tracing.tracer.startSpan('write group', { startTime, links: [linkTo(span)] }, own);
    }
  }

  #child(name: string, options: SpanOptions): Span {
    const group = this.#group;
    const parent = group ? trace.setSpan(context.active(), group) : context.active();
    return this.#options.tracing.tracer.startSpan(name, options, parent);
  }
}

function placeOf({ topic, partition }: IncomingBatch, more: Attributes): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    ...more,
  };
}

function linkTo(span: Span): Link {
  return { context: span.spanContext() };
}

/** A header's text; of one that stands there twice, none. */
function textOf({ headers }: IncomingRecord, name: string): string | undefined {
  const value = headers?.[name];
  return value === undefined || Array.isArray(value) ? undefined : String(value);
}
