/**
 * What a collector of traces is to an exporter: takes OTLP over HTTP, as JSON or protobuf, and keeps it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';

const attribute = z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional(), intValue: z.union([z.number(), z.string()]).optional() }),
});

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes: z.array(attribute).default([]),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
});

const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

export interface ReceivedSpan {
  /** `service.name` of its process. */
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** OTLP's numbers: 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  attributes: Record<string, string | number | undefined>;
  /** Ids of the spans it links to. */
  links: string[];
}

export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** Bodies that came as protobuf. */
  protobuf: Buffer[];
  close: () => void;
}

/** Listens on any free port of this machine. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const protobuf: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const known = request.method === 'POST' && request.url === '/v1/traces';
    if (known && request.headers['content-type'] === 'application/json') spans.push(...spansOf(body));
    else if (known && request.headers['content-type'] === 'application/x-protobuf') protobuf.push(body);
    else response.statusCode = 400;
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    protobuf,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function spansOf(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = exportSchema.parse(JSON.parse(body.toString('utf8')));
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, name, kind, attributes, links }) => ({
        service,
        traceId,
        spanId,
        parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
        name,
        kind,
        attributes: valuesOf(attributes),
        links: links.map((link) => link.spanId),
      })),
    );
  });
}

function valuesOf(attributes: readonly z.infer<typeof attribute>[]): Record<string, string | number | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}
