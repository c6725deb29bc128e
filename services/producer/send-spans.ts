/**
 * Spans of what is sent, where whoever calls has a span that is sampled: the caller's SDK records them, this library has
 * none. Records that are sent under one span at the same time share one, however many they are.
 *
 * Their headers carry it on as W3C `traceparent` and `tracestate`. Records under no span, or under one that is not
 * sampled, have neither: nobody would look at them.
 */
import { context, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';

/** A record on its way. */
export interface Sending {
  headers: Record<string, string>;
  /** To be told once, when the record is acknowledged or has failed. */
  end: (error?: unknown) => void;
}

interface Open {
  span: Span;
  headers: Record<string, string>;
  records: number;
  settled: number;
}

const TRACER = 'tally-producer';

export class SendSpans {
  readonly #clientId: string;
  /** By the caller's span, then by topic. */
  readonly #open = new WeakMap<Span, Map<string, Open>>();

  constructor(clientId: string) {
    this.#clientId = clientId;
  }

  /** Undefined where there is nothing to trace. */
  begin(topic: string): Sending | undefined {
    const parent = trace.getActiveSpan();
    if (!parent || (parent.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    const topics = this.#open.get(parent) ?? new Map<string, Open>();
    this.#open.set(parent, topics);
    const open = topics.get(topic) ?? this.#start(topic);
    topics.set(topic, open);
    open.records++;
    return {
      headers: open.headers,
      end: (error) => {
        if (error !== undefined) open.span.setStatus({ code: SpanStatusCode.ERROR });
        open.settled++;
        if (open.settled < open.records) return;
        topics.delete(topic);
        open.span.setAttribute('messaging.batch.message_count', open.records).end();
      },
    };
  }

  #start(topic: string): Open {
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      'messaging.client.id': this.#clientId,
    };
    const span = trace
      .getTracer(TRACER)
      .startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, context.active());
    return { span, headers: headersOf(span), records: 0, settled: 0 };
  }
}

/** As W3C has them, whatever form the caller's own SDK prefers: the consumer reads this one. */
function headersOf(span: Span): Record<string, string> {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const state = traceState?.serialize() ?? '';
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    ...(state === '' ? {} : { tracestate: state }),
  };
}
